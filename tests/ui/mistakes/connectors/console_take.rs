//! fix: first(
//! So many of a batch.

use streaming_runtime::{connect::{channel, console}, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let _ = Engine::new().start(flow::Ports { words, out: console().take(10) });
}
