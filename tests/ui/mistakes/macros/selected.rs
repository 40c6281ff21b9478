//! fix: .union(
//! As in tokio.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        tokio::select! {
            word = words.next() => println!("{word}"),
        }
        words.to(out);
    }
);

fn main() {}
