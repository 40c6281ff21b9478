//! The graph is fixed when the job starts.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        for min in 0..3 {
            words.filter(move |word| word.len() > min).to(out);
        }
    }
);

fn main() {}
