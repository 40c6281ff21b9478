//! A name is still to come.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = words.;
        long.to(out);
    }
);

fn main() {}
