//! fix: .to(more)
//! One sink a call.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>, more: Sink<String>>() {
        words.to(out, more);
    }
);

fn main() {}
