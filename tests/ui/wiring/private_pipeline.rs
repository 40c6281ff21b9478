//! A pipeline without `pub` is private to its module.

use streaming_runtime::prelude::*;

mod pipelines {
    use streaming_runtime::prelude::*;

    stream!(
        #[batch(secs(1))]
        fn flow<words: Source<String>, out: Sink<String>>() {
            words.to(out);
        }
    );
}

fn main() {
    let (_sender, words) = streaming_runtime::connect::channel::<String>(8);
    let _ = Engine::new().start(pipelines::flow::Ports { words, out: streaming_runtime::connect::console() });
}
