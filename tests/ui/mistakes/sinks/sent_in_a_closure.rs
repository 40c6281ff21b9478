//! fix: .to(out)
//! A sink takes a stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.inspect(|word| out.send(word));
    }
);

fn main() {}
