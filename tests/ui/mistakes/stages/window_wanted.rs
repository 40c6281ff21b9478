//! fix: .window(
//! A stage of windows gets batches.

use streaming_runtime::prelude::*;
use streaming_runtime::kinds::Windowed;

stage!(
    fn counted<'s>(words: Stream<'s, String, Windowed>) -> Stream<'s, i64> {
        words.map(|_| 1i64).snapshot()
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        counted(words).to(out);
    }
);

fn main() {}
