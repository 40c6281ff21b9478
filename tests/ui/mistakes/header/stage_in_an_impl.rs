//! fix: outside
//! A stage in place of a trait's function.

use streaming_runtime::prelude::*;

trait Counting {
    fn counted<'s>(words: Stream<'s, String>) -> Stream<'s, (String, i64)>;
}

struct ByWord;

impl Counting for ByWord {
    stage!(
        fn counted<'s>(words: Stream<'s, String>) -> Stream<'s, (String, i64)> {
            words.count_by_value()
        }
    );
}

fn main() {
    let _ = ByWord::counted;
}
