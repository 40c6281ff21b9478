//! fix: .start(
//! A job has workers of its own.

use streaming_runtime::{connect::{channel, console}, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

async fn started() {
    let (_sender, words) = channel::<String>(8);
    let engine = Engine::new();
    let _ = engine.spawn(flow::Ports { words, out: console() }).await;
}

fn main() {}
