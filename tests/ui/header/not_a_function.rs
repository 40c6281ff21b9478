//! Only a pipeline can stand in `stream!`.

use streaming_runtime::prelude::*;

stream!(
    struct Click;
);

fn main() {}
