//! One stage at a time.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() > 3)
    }
    fn short<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() < 3)
    }
);

fn main() {}
