//! A stream that is taken is read.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>, others: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() > 3)
    }
);

fn main() {}
