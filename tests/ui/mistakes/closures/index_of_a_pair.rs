//! fix: Option<(
//! A record may be missing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.filter_map(|(user, n)| if n > 0 { (user, n) } else { None }).to(out);
    }
);

fn main() {}
