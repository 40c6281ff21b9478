//! fix: bool
//! Yes or no.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{console, directory};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {
    let words = directory::lines("logs/*.txt").new_files_only();
    let _ = Engine::new().start(flow::Ports { words, out: console() });
}
