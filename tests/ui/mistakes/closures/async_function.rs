//! fix: channel
//! A future is no record.

use streaming_runtime::prelude::*;

async fn looked_up(word: String) -> String {
    word
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(looked_up).to(out);
    }
);

fn main() {}
