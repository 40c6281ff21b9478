//! A value that two closures take.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(stops: Vec<String>) {
        words.filter(move |word| !stops.contains(word)).map(move |word| format!("{} {word}", stops.len())).to(out);
    }
);

fn main() {}
