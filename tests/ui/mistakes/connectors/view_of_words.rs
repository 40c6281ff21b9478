//! fix: (key, value)
//! A view is a map.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{channel, view};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let (out, _view) = view();
    let _ = Engine::new().start(flow::Ports { words, out });
}
