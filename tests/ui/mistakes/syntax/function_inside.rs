//! fix: Stream<'s
//! A function sees no locals.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        fn long() -> usize {
            words.filter(|word| word.len() > 3);
            3
        }
        words.to(out);
    }
);

fn main() {}
