//! A port says where it leads and what it carries.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
