//! fix: value
//! A pipeline sees no local variables.

use streaming_runtime::prelude::*;

fn main() {
    let stops = vec!["the".to_owned()];
    stream!(
        #[batch(secs(1))]
        fn flow<words: Source<String>, out: Sink<String>>() {
            words.filter(move |word| !stops.contains(word)).to(out);
        }
    );
}
