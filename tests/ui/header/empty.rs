//! A macro without a pipeline.

use streaming_runtime::prelude::*;

stream!();

fn main() {}
