//! fix: queue
//! What is there already is a queue of batches.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::console;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let words = ["a", "b"].into_iter().map(str::to_owned);
    let _ = Engine::new().start(flow::Ports { words, out: console() });
}
