//! The plan is the same in every build.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        #[cfg(debug_assertions)]
        words.to(out);
    }
);

fn main() {}
