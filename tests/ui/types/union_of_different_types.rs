//! Both streams of a union carry one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, numbers: Source<u64>, out: Sink<String>>() {
        words.union(numbers).to(out);
    }
);

fn main() {}
