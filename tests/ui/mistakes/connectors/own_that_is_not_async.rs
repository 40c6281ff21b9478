//! fix: fn run
//! A source sends when there is room.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{ConnectorError, SourceContext, console};

struct Numbers;

impl Source<u64> for Numbers {
    fn next(&mut self) -> Option<u64> {
        Some(1)
    }
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<u64>, out: Sink<u64>>() {
        words.to(out);
    }
);

fn main() {
    let _ = Engine::new().start(flow::Ports { words: Numbers, out: console() });
}
