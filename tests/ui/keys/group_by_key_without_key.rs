//! Records that are no pairs have no key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, Vec<String>)>>() {
        words.group_by_key().to(out);
    }
);

fn main() {}
