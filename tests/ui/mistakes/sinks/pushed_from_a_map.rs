//! fix: .to(out)
//! A sink takes a stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = words.map(|word| { out.push(word.clone()); word });
        long.to(out);
    }
);

fn main() {}
