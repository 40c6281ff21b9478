//! A value is given by name when the job starts.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>((min, max): (usize, usize)) {
        words.filter(move |word| (min..max).contains(&word.len())).to(out);
    }
);

fn main() {}
