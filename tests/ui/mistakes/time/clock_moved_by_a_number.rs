//! fix: Duration
//! A clock is moved by a duration.

use streaming_runtime::prelude::*;
use streaming_runtime::ManualClock;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let clock = ManualClock::new();
    clock.advance(5);
}
