//! fix: K: Key
//! A key is more than a record.

use streaming_runtime::prelude::*;

fn counted<'s, K: Clone + 'static>(words: Stream<'s, K>) -> Stream<'s, (K, i64)> {
    words.count_by_value()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, i64)>>() {
        counted(words).to(out);
    }
);

fn main() {}
