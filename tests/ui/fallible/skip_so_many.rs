//! `skip` is not an iterator's.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<String>>() {
        lines.skip(3).to(out);
    }
);

fn main() {}
