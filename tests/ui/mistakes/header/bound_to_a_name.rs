//! fix: flow::Ports
//! A pipeline is an item.

use streaming_runtime::prelude::*;

fn main() {
    let flow = stream!(
        #[batch(secs(1))]
        fn flow<words: Source<String>, out: Sink<String>>() {
            words.to(out);
        }
    );
}
