//! fix: hours(24)
//! Days are not always of one length.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(days(1), hours(1)).to(out);
    }
);

fn main() {}
