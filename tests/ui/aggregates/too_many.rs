//! A tuple has two to six.

use streaming_runtime::{aggregate::{count, first, last, max, mean, min, sum}, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        let all = numbers.aggregate((count(), sum(), min(), max(), first(), last(), mean()));
        all.map(|all| all.0).to(out);
    }
);

fn main() {}
