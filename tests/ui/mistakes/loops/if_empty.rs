//! fix: .count()
//! What a stream holds is known by batch.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        if words.is_empty() {
            println!("nothing");
        }
        words.to(out);
    }
);

fn main() {}
