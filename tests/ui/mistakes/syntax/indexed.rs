//! fix: .filter(
//! Records have no number.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let first = words[0];
        first.to(out);
    }
);

fn main() {}
