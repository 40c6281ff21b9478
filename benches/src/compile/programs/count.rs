//! A word count, with records and keys of its own.

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    connect::{console, queue},
    prelude::*,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub host: String,
    pub text: String,
    pub at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Word {
    pub host: String,
    pub word: String,
}

stream!(
    #[batch(secs(1))]
    pub fn count<lines: Source<Line>, counts: Sink<(Word, i64)>>() {
        let words = lines.flat_map(|line: Line, out| {
            out.extend(
                line.text
                    .split_whitespace()
                    .map(|word| Word { host: line.host.clone(), word: word.to_owned() }),
            );
        });
        words.count_by_value().to(counts);
    }
);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let line = Line { host: "a".to_owned(), text: "b c b".to_owned(), at: 1 };
    let mut job = Engine::new().start(count::Ports { lines: queue(vec![vec![line]]), counts: console() })?;
    job.join().await?;
    Ok(())
}
