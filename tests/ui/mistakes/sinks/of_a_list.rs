//! fix: .to(out)
//! A sink has a name.

use streaming_runtime::{connect::console, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to([console()]);
    }
);

fn main() {}
