//! The part of a record that falls short is named.

use streaming_runtime::prelude::*;

struct Click;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, Click)>, out: Sink<u64>>() {
        clicks.map(|(user, _)| user).to(out);
    }
);

fn main() {}
