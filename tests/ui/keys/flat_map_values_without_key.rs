//! Records that are no pairs have no value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, String)>>() {
        words.flat_map_values(|word: String| [word]).to(out);
    }
);

fn main() {}
