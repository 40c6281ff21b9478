//! The body of the closure is still to come.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = words.filter(|word| );
        long.to(out);
    }
);

fn main() {}
