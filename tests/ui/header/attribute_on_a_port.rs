//! An attribute that would do nothing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<#[serde(skip)] words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
