//! fix: clone
//! `key_by` shows the record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<users: Source<(String, i64)>, out: Sink<(String, Vec<(String, i64)>)>>() {
        users.key_by(|user| user.0).group_by_key().to(out);
    }
);

fn main() {}
