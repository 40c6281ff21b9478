//! A connector of numbers at a port of words.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let (_numbers_in, numbers) = channel::<u64>(8);
    let _ = Engine::new().start(flow::Ports { words: numbers, out: console() });
}
