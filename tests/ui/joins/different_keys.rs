//! Both sides have keys of one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, right: Source<(String, i64)>, out: Sink<(u64, (i64, i64))>>() {
        left.join(right).to(out);
    }
);

fn main() {}
