//! A record of one's own is no key without `Hash`.

use streaming_runtime::prelude::*;

#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct User(u64);

stream!(
    #[batch(secs(1))]
    fn flow<orders: Source<(User, i64)>, out: Sink<(User, Vec<i64>)>>() {
        orders.group_by_key().to(out);
    }
);

fn main() {}
