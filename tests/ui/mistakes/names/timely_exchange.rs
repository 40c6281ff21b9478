//! fix: .key_by(
//! As in timely.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.exchange(|word| word.len() as u64).to(out);
    }
);

fn main() {}
