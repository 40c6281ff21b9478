//! fix: K: Record
//! More than `Clone` is asked.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s, K: Clone>(words: Stream<'s, K>) -> Stream<'s, K> {
        words.filter(|_| true)
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
