//! fix: channel
//! A closure runs at once.

use streaming_runtime::prelude::*;

async fn looked_up(word: String) -> String {
    word
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| looked_up(word).await).to(out);
    }
);

fn main() {}
