//! fix: .filter( or collect()
//! A stream has no value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        assert_eq!(words.count(), 3);
        words.to(out);
    }
);

fn main() {}
