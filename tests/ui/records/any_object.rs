//! A record has a type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<events: Source<Box<dyn std::fmt::Display>>, out: Sink<String>>() {
        events.map(|event| event.to_string()).to(out);
    }
);

fn main() {}
