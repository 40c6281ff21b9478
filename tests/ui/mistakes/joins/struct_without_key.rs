//! fix: .key_by(
//! Both sides are pairs.

use streaming_runtime::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Name {
    user: u64,
    name: String,
}

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, names: Source<Name>, out: Sink<(u64, (i64, Name))>>() {
        a.join(names).to(out);
    }
);

fn main() {}
