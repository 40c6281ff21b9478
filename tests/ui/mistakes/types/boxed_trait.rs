//! fix: enum
//! A record has one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<shapes: Source<Box<dyn std::fmt::Debug + Send>>, out: Sink<String>>() {
        shapes.map(|shape| format!("{shape:?}")).to(out);
    }
);

fn main() {}
