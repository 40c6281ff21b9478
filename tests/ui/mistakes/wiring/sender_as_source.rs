//! fix: (sender, source)
//! Of the pair, the second is the source.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{channel, console};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (sender, _source) = channel::<String>(8);
    let _ = Engine::new().start(flow::Ports { words: sender, out: console() });
}
