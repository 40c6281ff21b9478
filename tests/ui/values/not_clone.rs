//! Each worker gets a copy.

use streaming_runtime::prelude::*;

struct Limit(usize);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(limit: Limit) {
        words.filter(move |word| word.len() > limit.0).to(out);
    }
);

fn main() {}
