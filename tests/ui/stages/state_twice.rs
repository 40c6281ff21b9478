//! Two states are told apart by their names.

use streaming_runtime::prelude::*;

stage!(
    fn seen<'s>(words: Stream<'s, String>) -> Stream<'s, (String, i64)> {
        words.window(secs(6), secs(1)).distinct().distinct().count_by_value().snapshot()
    }
);

fn main() {}
