//! fix: stage!
//! A part is a stage.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        stream!(
            #[batch(secs(1))]
            fn long<words: Source<String>, out: Sink<String>>() {
                words.to(out);
            }
        );
        long(words).to(out);
    }
);

fn main() {}
