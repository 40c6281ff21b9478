//! The graph is fixed when the job starts.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(loud: bool) {
        match loud {
            true => words.to(out),
            false => {}
        }
    }
);

fn main() {}
