//! fix: .key_by(
//! The key is said before.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(u64, Vec<String>)>>() {
        words.group_by_key(|word| word.len() as u64).to(out);
    }
);

fn main() {}
