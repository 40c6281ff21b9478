//! A stage is a function.

use streaming_runtime::prelude::*;

stage!(
    struct Long;
);

fn main() {}
