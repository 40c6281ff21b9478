//! fix: String
//! An error of the standard library.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<failures: Source<std::io::Error>, out: Sink<String>>() {
        failures.map(|failure| failure.to_string()).to(out);
    }
);

fn main() {}
