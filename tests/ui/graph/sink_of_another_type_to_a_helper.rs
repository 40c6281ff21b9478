//! A helper says what its sink takes.

use streaming_runtime::prelude::*;

use streaming_runtime::SinkPort;

fn finish<'s>(stream: Stream<'s, u64>, sink: &SinkPort<'s, u64>) {
    stream.to(sink);
}

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<String>>() {
        finish(numbers, out);
    }
);

fn main() {}
