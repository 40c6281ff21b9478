//! Nothing would ever happen.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<out: Sink<String>>() {}
);

fn main() {}
