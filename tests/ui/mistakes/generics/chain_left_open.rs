//! fix: .share()
//! A chain has a type of its own.

use streaming_runtime::prelude::*;

pub fn lengths<'s>(words: Stream<'s, String>) -> Stream<'s, u64, streaming_runtime::kinds::PerBatch, _> {
    words.map(|word| word.len() as u64)
}

fn main() {}
