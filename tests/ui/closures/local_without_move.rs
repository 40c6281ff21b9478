//! A closure outlives the body.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let stop = "stop".to_owned();
        words.filter(|word| *word != stop).to(out);
    }
);

fn main() {}
