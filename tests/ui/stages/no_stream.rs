//! A stage takes a stream.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(least: usize) -> Stream<'s, String> {
        words(least)
    }
);

fn main() {}
