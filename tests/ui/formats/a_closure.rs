//! A function of one's own is no format.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<payloads: Source<Vec<u8>>, out: Sink<String>>() {
        let (texts, rejected) = payloads.decode(|bytes| String::from_utf8(bytes));
        texts.to(out);
        rejected.skip();
    }
);

fn main() {}
