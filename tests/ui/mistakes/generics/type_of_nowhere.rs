//! fix: generic
//! A pipeline names its types.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<T>, out: Sink<T>>() {
        words.to(out);
    }
);

fn main() {}
