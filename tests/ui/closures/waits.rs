//! An operator does not wait.

use streaming_runtime::prelude::*;

async fn asked(word: String) -> usize {
    word.len()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<usize>>() {
        words.map(|word| asked(word).await).to(out);
    }
);

fn main() {}
