//! fix: .map(
//! A map of the program is looked into.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, out: Sink<(u64, (i64, String))>>(names: std::collections::HashMap<u64, String>) {
        a.join(names).to(out);
    }
);

fn main() {}
