//! The chain is one of a sink whatever it begins with.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        wrods.to(out);
    }
);

fn main() {}
