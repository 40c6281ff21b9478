//! fix: .iterate(
//! The graph is fixed when the job starts.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(go_on: bool) {
        while go_on {
            words.to(out);
        }
    }
);

fn main() {}
