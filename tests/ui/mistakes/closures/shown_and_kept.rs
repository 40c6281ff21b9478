//! fix: .clone()
//! A key is owned.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, Vec<String>)>>() {
        words.key_by(|word| word).group_by_key().to(out);
    }
);

fn main() {}
