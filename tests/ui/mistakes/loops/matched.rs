//! fix: .filter(
//! What a record is, is asked of each.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        match words.count() {
            0 => println!("nothing"),
            _ => println!("something"),
        }
        words.to(out);
    }
);

fn main() {}
