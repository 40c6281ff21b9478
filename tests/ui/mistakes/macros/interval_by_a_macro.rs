//! fix: secs(1)
//! The macro reads a literal.

use streaming_runtime::prelude::*;

macro_rules! interval {
    () => {
        secs(1)
    };
}

stream!(
    #[batch(interval!())]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
