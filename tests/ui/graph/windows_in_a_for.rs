//! What repeats in a body is a function.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        for length in [1, 5, 10] {
            words.window(minutes(length), secs(1)).count().to(out);
        }
    }
);

fn main() {}
