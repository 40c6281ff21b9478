//! fix: .map(
//! A helper says what it takes.

use streaming_runtime::prelude::*;

fn doubled<'s>(numbers: Stream<'s, i64>) -> Stream<'s, i64> {
    numbers.map(|n| 2 * n).share()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        doubled(words).to(out);
    }
);

fn main() {}
