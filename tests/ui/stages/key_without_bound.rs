//! A key is a key in a stage, too.

use streaming_runtime::{Record, prelude::*};

stage!(
    fn counted<'s, K: Record>(words: Stream<'s, K>) -> Stream<'s, (K, i64)> {
        words.count_by_value()
    }
);

fn main() {}
