//! A semicolon keeps the stream from being returned.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() > 3);
    }
);

fn main() {}
