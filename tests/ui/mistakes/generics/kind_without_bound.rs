//! fix: StreamKind
//! A kind is one of five.

use streaming_runtime::prelude::*;

pub fn positive<'s, P>(numbers: Stream<'s, i64, P>) -> Stream<'s, i64, P> {
    numbers.filter(|n| *n > 0).share()
}

fn main() {}
