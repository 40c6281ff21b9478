//! fix: vec![vec![
//! A queue is of batches.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{console, queue};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let words = queue(vec!["a".to_owned()]);
    let _ = Engine::new().start(flow::Ports { words, out: console() });
}
