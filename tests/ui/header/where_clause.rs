//! A pipeline is not generic.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>()
    where
        String: Clone,
    {
        words.to(out);
    }
);

fn main() {}
