//! fix: join
//! As in Spark.

use streaming_runtime::{connect::{channel, console}, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

async fn started() {
    let (_sender, words) = channel::<String>(8);
    let mut job = Engine::new().start(flow::Ports { words, out: console() }).expect("it starts");
    job.await_termination().await;
}

fn main() {}
