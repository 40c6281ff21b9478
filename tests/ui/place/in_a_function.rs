//! A pipeline is an item of a module: inside a function its parts cannot see each other.

use streaming_runtime::prelude::*;

fn main() {
    stream!(
        #[batch(secs(1))]
        fn flow<words: Source<String>, out: Sink<String>>() {
            words.to(out);
        }
    );
}
