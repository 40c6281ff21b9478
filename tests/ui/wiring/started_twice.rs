//! A start takes the ports: the same connectors do not serve two jobs.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let ports = flow::Ports { words, out: console() };
    let _job = Engine::new().start(ports);
    let _other = Engine::new().start(ports);
}
