//! fix: .key_by(
//! Both sides have their key already.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        a.join(b, |x| x.0, |y| y.0).to(out);
    }
);

fn main() {}
