//! The last step does not make what the sink takes.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| word.len() as u64).to(out);
    }
);

fn main() {}
