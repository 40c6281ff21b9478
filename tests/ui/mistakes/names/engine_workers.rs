//! fix: workers(4)
//! As in Flink.

use streaming_runtime::{connect::{channel, console}, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let _ = Engine::new().parallelism(4).start(flow::Ports { words, out: console() });
}
