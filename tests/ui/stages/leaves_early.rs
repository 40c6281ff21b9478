//! A stage has one way through it.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>, all: bool) -> Stream<'s, String> {
        if all {
            return words;
        }
        words.filter(|word| word.len() > 3)
    }
);

fn main() {}
