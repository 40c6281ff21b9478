//! fix: Source<u64>
//! A source says what it gives.

use streaming_runtime::prelude::*;
use streaming_runtime::connect::{ConnectorError, SourceContext, console};

struct Numbers;

impl Source for Numbers {
    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        out.send(1).await?;
        Ok(())
    }
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<u64>, out: Sink<u64>>() {
        words.to(out);
    }
);

fn main() {
    let _ = Engine::new().start(flow::Ports { words: Numbers, out: console() });
}
