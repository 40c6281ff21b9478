//! fix: Engine::new()
//! An engine is a value.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{channel, console};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let _ = Engine::start(flow::Ports { words, out: console() });
}
