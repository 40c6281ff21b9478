//! A window over a window is whole slides.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let recent = words.window(secs(10), secs(5));
        recent.window(secs(12), secs(5)).to(out);
    }
);

fn main() {}
