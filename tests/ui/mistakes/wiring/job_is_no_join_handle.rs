//! fix: join
//! A job is asked, not awaited.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{channel, console};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

async fn started() {
    let (_sender, words) = channel::<String>(8);
    let job = Engine::new().start(flow::Ports { words, out: console() }).expect("it starts");
    job.await;
}

fn main() {}
