//! fix: Stream<'_, String
//! The type is that of the stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long: String = words.filter(|word| word.len() > 3);
        long.to(out);
    }
);

fn main() {}
