//! fix: .format(
//! A line is made of a record.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{channel, text_files};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, i64)>>() {
        words.count_by_value().to(out);
    }
);

fn main() {
    let (_sender, words) = channel::<String>(8);
    let _ = Engine::new().start(flow::Ports { words, out: text_files("counts") });
}
