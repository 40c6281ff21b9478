//! Both sinks are forgotten at once: one stream lies there.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| word);
    }
);

fn main() {}
