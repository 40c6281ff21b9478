//! fix: Sink<
//! A connector is given at the start.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::console;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(console());
    }
);

fn main() {}
