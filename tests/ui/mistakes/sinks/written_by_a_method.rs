//! fix: .to(out)
//! A sink takes a stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        out.write(words);
    }
);

fn main() {}
