//! The macro reads the body, not what is nested in it.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        {
            words.to(out);
        }
    }
);

fn main() {}
