//! The `<>` was forgotten.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow() {}
);

fn main() {}
