//! fix: console()
//! Output of Spark's kind.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.print();
        words.to(out);
    }
);

fn main() {}
