//! fix: Sink<(u64, (i64, String))>
//! The sink was written for another stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, names: Source<(u64, String)>, out: Sink<(u64, (String, i64))>>() {
        a.join(names).to(out);
    }
);

fn main() {}
