//! fix: console()
//! As in Python.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.pprint();
        words.to(out);
    }
);

fn main() {}
