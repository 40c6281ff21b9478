//! serde cannot make a `&'static str`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<&'static str>, out: Sink<String>>() {
        words.map(|word| word.to_owned()).to(out);
    }
);

fn main() {}
