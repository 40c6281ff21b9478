//! fix: outside
//! A stage is no method.

use streaming_runtime::prelude::*;

trait Counting {
    stage!(
        fn counted<'s>(words: Stream<'s, String>) -> Stream<'s, (String, i64)> {
            words.count_by_value()
        }
    );
}

fn main() {}
