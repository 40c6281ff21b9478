//! The part of a record that falls short is named.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<(std::sync::Arc<str>, i64)>, out: Sink<i64>>() {
        words.map(|(_, count)| count).to(out);
    }
);

fn main() {}
