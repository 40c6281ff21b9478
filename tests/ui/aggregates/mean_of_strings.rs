//! Only numbers have a mean.

use streaming_runtime::{aggregate::mean, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<f64>>() {
        words.aggregate(mean()).to(out);
    }
);

fn main() {}
