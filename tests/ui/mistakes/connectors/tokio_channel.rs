//! fix: channel
//! Another channel.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::console;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = std::sync::mpsc::channel::<String>();
    let _ = Engine::new().start(flow::Ports { words, out: console() });
}
