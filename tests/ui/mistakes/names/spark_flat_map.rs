//! fix: .flat_map(
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.flatMap(|line| line.split(' ').map(str::to_owned)).to(out);
    }
);

fn main() {}
