//! fix: Source<String>
//! A sink where a source is asked for.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::console;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let _ = Engine::new().start(flow::Ports { words: console(), out: console() });
}
