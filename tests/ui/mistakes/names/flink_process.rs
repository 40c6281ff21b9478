//! fix: .map_with_state(
//! State and timers of Flink's kind.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.process(|word| word).to(out);
    }
);

fn main() {}
