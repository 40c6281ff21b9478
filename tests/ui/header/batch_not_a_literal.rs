//! Windows are checked against the batch interval, so the macro must be able to read it.

use streaming_runtime::prelude::*;

const INTERVAL: std::time::Duration = secs(1);

stream!(
    #[batch(INTERVAL)]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
