//! fix: text_files(
//! A file is given at the start.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(std::path::Path::new("out.txt"));
    }
);

fn main() {}
