//! fix: 'static
//! A closure outlives its call.

use streaming_runtime::prelude::*;

pub fn chosen<'s, F: Fn(&String) -> bool>(words: Stream<'s, String>, f: F) -> Stream<'s, String> {
    words.filter(f).share()
}

fn main() {}
