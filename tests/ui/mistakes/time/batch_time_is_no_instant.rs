//! fix: BatchTime
//! A batch has a time of its own.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.transform(|time, all| { println!("{:?}", time.elapsed()); all }).to(out);
    }
);

fn main() {}
