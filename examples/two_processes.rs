//! Counts the words of a text in two processes: each reads half of it, and each word is counted where it lives.
//!
//! ```text
//! cargo run --release --example two_processes
//! cargo run --release --example two_processes -- --workers 2 --text words and more words
//! ```
//!
//! Without `--index` this is the launcher: it starts itself twice on loopback and waits for both. What it runs could
//! be run by hand, on two machines: `two_processes --hosts 10.0.0.1:2101,10.0.0.2:2101 --index 0`, and with
//! `--index 1` on the other.

use std::{
    error::Error,
    net::TcpListener,
    process::{Command, ExitCode},
};

use clap::Parser;
use streaming_runtime::{
    cluster::Cluster,
    connect::{collect, from_stream},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// Words of each batch.
    #[batch(millis(100))]
    pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

/// Counts words in two processes.
#[derive(Parser)]
struct Arguments {
    /// Worker threads of each process.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The addresses of all processes; free ones on loopback unless given.
    #[arg(long, value_delimiter = ',')]
    hosts: Vec<String>,
    /// Which process this is; without it, the launcher of all.
    #[arg(long)]
    index: Option<usize>,
    /// What is counted.
    #[arg(
        long,
        num_args = 1..,
        default_values = ["to be or not to be", "that is the question", "to count or not to count", "is no question"]
    )]
    text: Vec<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    match arguments.index {
        Some(index) => run(arguments, index).map(|()| ExitCode::SUCCESS),
        None => launch(arguments),
    }
}

/// One process of the job.
#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments, index: usize) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let cluster = Cluster::new(arguments.hosts, index);
    // Each line is read by one process. Files or partitions would be dealt out in the same way, by name.
    let all = arguments.text.into_iter().enumerate();
    let part: Vec<_> =
        all.filter(|(number, _)| number % cluster.processes() == index).map(|(_, line)| line).collect();
    let read = part.len();
    let (counts, counted) = collect();
    let mut job = Engine::new()
        .workers(arguments.workers)
        .cluster(cluster)
        .start(word_count::Ports { lines: from_stream(futures::stream::iter(part)), counts })?;
    // The job ends when the lines of all processes are counted.
    job.join().await?;
    for batch in counted.batches() {
        println!("process {index}, which read {read} lines, at {}: {:?}", batch.time, batch.records);
    }
    Ok(())
}

/// Starts the processes and waits for them.
fn launch(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let hosts = match arguments.hosts.is_empty() {
        false => arguments.hosts,
        true => {
            // Both are held until both are known, then given to the processes.
            let free = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
            free.iter().map(|port| Ok(port.local_addr()?.to_string())).collect::<std::io::Result<_>>()?
        }
    };
    let program = std::env::current_exe()?;
    let start = |index: usize| {
        let mut process = Command::new(&program);
        process.args(["--index", &index.to_string(), "--hosts", &hosts.join(",")]);
        process.args(["--workers", &arguments.workers.to_string(), "--text"]).args(&arguments.text);
        process.spawn()
    };
    let processes = (0..hosts.len()).map(start).collect::<Result<Vec<_>, _>>()?;
    let mut well = true;
    for mut process in processes {
        well &= process.wait()?.success();
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
