//! A stage makes a stream.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>) {
        words.filter(|word| word.len() > 3)
    }
);

fn main() {}
