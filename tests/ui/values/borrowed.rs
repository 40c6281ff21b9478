//! A value outlives whoever started the job.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(stop: &str) {
        words.filter(move |word| *word != stop).to(out);
    }
);

fn main() {}
