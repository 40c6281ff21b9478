//! fix: use crate::parts::long
//! A stage of another module.

use streaming_runtime::prelude::*;

mod parts {
    use streaming_runtime::prelude::*;

    stage!(
        pub fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
            words.filter(|word| word.len() > 3)
        }
    );
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
