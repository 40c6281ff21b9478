//! What a stage returns is a stream.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        let _long = words.filter(|word| word.len() > 3);
        3
    }
);

fn main() {}
