//! One error however often the record passes.

use streaming_runtime::prelude::*;

struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<Click>>() {
        let large = clicks.filter(|click| click.user > 0);
        let (even, odd) = large.split(|click| click.user % 2 == 0);
        let keyed = even.union(odd).map(|click| (click.user, click));
        keyed.reduce_by_key(|_, last| last).map(|(_, click)| click).to(out);
    }
);

fn main() {}
