//! What is not returned does nothing.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        let long = words.filter(|word| word.len() > 3);
    }
);

fn main() {}
