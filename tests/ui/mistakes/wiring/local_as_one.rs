//! fix: (Job, LocalWorker)
//! A local start gives the job and its worker.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{channel, console};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let job = Engine::new().start_local(flow::Ports { words, out: console() }).expect("it starts");
    job.join();
}
