//! Both streams of a union carry one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, numbers: Source<i64>, out: Sink<u64>>() {
        let lengths = words.map(|word| word.len() as u64);
        lengths.union(numbers).to(out);
    }
);

fn main() {}
