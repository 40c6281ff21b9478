//! Each worker gets the value on its own thread.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(min: std::rc::Rc<usize>) {
        words.filter(move |word| word.len() > *min).to(out);
    }
);

fn main() {}
