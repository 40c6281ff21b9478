//! fix: futures::stream::iter
//! An iterator is no stream.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{console, from_stream};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let words = from_stream(["a".to_owned()].into_iter());
    let _ = Engine::new().start(flow::Ports { words, out: console() });
}
