//! Counts the words of what agents of Flume send.
//!
//! ```text
//! cargo run --release -p examples --features flume --example flume_word_count -- --listen 127.0.0.1:4141 --state state
//! ```
//!
//! An agent that sends each line of a file there:
//!
//! ```text
//! agent.sources = file
//! agent.channels = kept
//! agent.sinks = job
//! agent.sources.file.type = exec
//! agent.sources.file.command = tail -F /var/log/syslog
//! agent.sources.file.channels = kept
//! agent.channels.kept.type = memory
//! agent.sinks.job.type = avro
//! agent.sinks.job.hostname = 127.0.0.1
//! agent.sinks.job.port = 4141
//! agent.sinks.job.channel = kept
//! ```
//!
//! With `--state`, what an agent was told OK for is counted also after `kill -9`.

use std::{error::Error, path::PathBuf, time::Duration};

use clap::Parser;
use streaming_runtime::{
    connect::{console, flume},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// Words of each second.
    #[batch(secs(1))]
    pub fn flume_word_count<events: Source<flume::Event>, counts: Sink<(String, i64)>>() {
        let texts = events.map(|event| event.text());
        texts.flat_map(|text| text.split_whitespace().map(str::to_owned)).count_by_value().to(counts);
    }
);

/// Counts the words of what agents of Flume send.
#[derive(Parser)]
struct Arguments {
    /// Where agents connect to; their sinks are of type `avro`, or `thrift` with `--thrift`.
    #[arg(long, default_value = "127.0.0.1:4141")]
    listen: String,
    /// Take agents' sinks of type `thrift`.
    #[arg(long)]
    thrift: bool,
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
    // Warnings of the engine, on standard error: connections that were refused, say.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let events = match arguments.thrift {
        true => flume::listen_thrift(&arguments.listen)?,
        false => flume::listen_avro(&arguments.listen)?,
    };
    println!("agents may connect to {}", events.local_addr());
    let mut engine = Engine::new();
    if let Some(state) = arguments.state {
        engine = engine.checkpoint(state);
    }
    let mut job = engine.start(flume_word_count::Ports { events, counts: console() })?;
    match arguments.seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => tokio::signal::ctrl_c().await?,
    }
    job.stop().await?;
    Ok(())
}
