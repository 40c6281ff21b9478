//! fix: use streaming_runtime::stream
//! The prelude was forgotten.

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
