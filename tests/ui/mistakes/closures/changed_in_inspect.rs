//! fix: .map(
//! `inspect` shows the record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.inspect(|word| word.push('!')).to(out);
    }
);

fn main() {}
