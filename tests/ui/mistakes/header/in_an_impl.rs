//! fix: outside
//! A pipeline is no method.

use streaming_runtime::prelude::*;

struct Service;

impl Service {
    stream!(
        #[batch(secs(1))]
        fn flow<words: Source<String>, out: Sink<String>>() {
            words.to(out);
        }
    );
}

fn main() {}
