//! Both sides have keys of one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, right: Source<(String, i64)>, out: Sink<(u64, (i64, i64))>>() {
        left.window(secs(5), secs(1)).join(right.window(secs(5), secs(1))).to(out);
    }
);

fn main() {}
