//! fix: Duration
//! How long is a duration.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let _engine = Engine::new().close_early(true).min_batch(10);
}
