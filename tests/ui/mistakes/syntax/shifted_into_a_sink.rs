//! fix: .to(out)
//! As in C++.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words >> out;
    }
);

fn main() {}
