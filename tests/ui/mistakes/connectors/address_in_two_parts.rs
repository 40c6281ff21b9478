//! fix: "host:port"
//! Host and port are one text.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{console, tcp};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let words = tcp::lines("127.0.0.1", 9999);
    let _ = Engine::new().start(flow::Ports { words, out: console() });
}
