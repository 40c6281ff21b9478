//! fix: secs(10)
//! A duration of another crate.

use streaming_runtime::prelude::*;
use std::time::Duration;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(Duration::seconds(10), Duration::seconds(1)).to(out);
    }
);

fn main() {}
