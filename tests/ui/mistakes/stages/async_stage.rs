//! fix: delete `async`
//! A stage is called at once.

use streaming_runtime::prelude::*;

stage!(
    async fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
        words.filter(|word| word.len() > 3)
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
