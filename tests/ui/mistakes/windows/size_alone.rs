//! fix: .window(secs(10), secs(10))
//! A window has a size and a slide.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(10)).to(out);
    }
);

fn main() {}
