//! fix: fn
//! A part is a function.

use streaming_runtime::prelude::*;

macro_rules! long {
    ($words:expr) => {
        $words.filter(|word| word.len() > 3)
    };
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long!(words).to(out);
    }
);

fn main() {}
