//! A stage is called while its pipeline is put together.

use streaming_runtime::prelude::*;

stage!(
    async fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() > 3)
    }
);

fn main() {}
