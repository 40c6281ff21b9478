//! A parameter of a closure is not the sink of its name.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, kept: Sink<String>, out: Sink<String>>() {
        words.map(|out| out).to(kept);
    }
);

fn main() {}
