//! What a stage says it returns, it returns.

use streaming_runtime::prelude::*;

stage!(
    fn lengths<'s>(words: Stream<'s, String>) -> Stream<'s, u64> {
        words.map(|word| word.len())
    }
);

fn main() {}
