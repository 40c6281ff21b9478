//! What fails the job must say why.

use serde::{Deserialize, Serialize};
use streaming_runtime::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
enum Bad {
    Empty,
}

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<String>>() {
        let (some, failed) = lines.try_map(|line| if line.is_empty() { Err(Bad::Empty) } else { Ok(line) });
        some.to(out);
        failed.fail();
    }
);

fn main() {}
