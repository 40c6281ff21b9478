//! fix: .to(out)
//! A sink is named as a variable is.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to("out");
    }
);

fn main() {}
