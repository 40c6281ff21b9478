//! fix: .update_state(
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.updateStateByKey(|new, total| Some(1)).to(out);
    }
);

fn main() {}
