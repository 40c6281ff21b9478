//! What cannot fail is `map`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<usize>, dead: Sink<String>>() {
        let (lengths, failed) = lines.try_map(|line| line.len());
        lengths.to(out);
        failed.to(dead);
    }
);

fn main() {}
