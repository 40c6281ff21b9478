//! fix: text_files(
//! Output of Spark's kind.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.saveAsTextFiles("out", "txt");
        words.to(out);
    }
);

fn main() {}
