//! Counts the words of a stream of Kinesis, each exactly once, also after a crash.
//!
//! ```text
//! cargo run --release -p examples --features kinesis --example kinesis_word_count -- --stream texts
//! cargo run --release -p examples --features kinesis --example kinesis_word_count -- --stream texts --endpoint http://127.0.0.1:4567
//! ```
//!
//! Credentials and region come from where all clients of AWS look. Kill it, start it again with the same `--state`, and it goes on
//! where it was.

use std::{error::Error, path::PathBuf, time::Duration};

use clap::Parser;
use streaming_runtime::{
    connect::{console, kinesis},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// Words of the whole stream, as often as they came by then.
    #[batch(secs(1))]
    pub fn kinesis_word_count<texts: Source<String>, counts: Sink<(String, i64)>>() {
        let words = texts.flat_map(|text| text.split_whitespace().map(str::to_owned));
        let total =
            |_: &String, sum: Option<i64>, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>());
        let totals =
            words.map(|word| (word, 1)).update_state(total).allow_unbounded("a language has so many words");
        totals.to(counts);
    }
);

/// Counts the words of a stream of Kinesis.
#[derive(Parser)]
struct Arguments {
    /// The stream.
    #[arg(long)]
    stream: String,
    /// The address of a local server, in place of that of the region.
    #[arg(long)]
    endpoint: Option<String>,
    /// Where the job keeps its state; without it a crash begins anew.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Stop after so many seconds instead of at Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    // Warnings of the engine, on standard error: a server that does not answer, say.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let stream = kinesis::stream(&arguments.stream);
    let texts = arguments.endpoint.into_iter().fold(stream, kinesis::Shards::endpoint).texts();
    let engine = arguments.state.into_iter().fold(Engine::new(), |engine, state| engine.checkpoint(state));
    let counts = console().title("word      times").skip_empty().sorted();
    let mut job = engine.start(kinesis_word_count::Ports { texts, counts })?;
    eprintln!("counting the words of `{}`; Ctrl-C stops", arguments.stream);
    let time_is_up = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = job.join() => return Ok(result?),
        _ = tokio::signal::ctrl_c() => eprintln!("stopping: delivering the last batch"),
        () = time_is_up => {}
    }
    job.stop().await?;
    Ok(())
}
