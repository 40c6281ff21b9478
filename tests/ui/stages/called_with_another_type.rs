//! A stage takes what it says.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() > 3)
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<String>>() {
        long(numbers).to(out);
    }
);

fn main() {}
