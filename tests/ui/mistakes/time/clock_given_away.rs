//! fix: &clock
//! A test keeps its clock.

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
    let _engine = Engine::new().manual_clock(clock);
}
