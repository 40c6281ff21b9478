//! A closure sees records, not streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, numbers: Source<u64>, out: Sink<String>>() {
        let total = numbers.count();
        words.filter(move |_| total.count() > 3).to(out);
    }
);

fn main() {}
