//! The type of a port is written out.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<impl std::fmt::Display>, out: Sink<String>>() {
        words.map(|word| word.to_string()).to(out);
    }
);

fn main() {}
