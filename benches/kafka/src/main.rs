//! `KAFKA=.. cargo run --release -p benches-kafka --features kafka`, with the address that `scripts/servers start kafka --heap 1024` says:
//! topics in and out, beside the same on rdkafka by hand.
//!
//! The broker is on the same cores, so throughput is of both together; `cpu_seconds` is that of this process alone. Topics are
//! filled once a broker, before anything is timed.

mod sink;
mod source;
mod topic;

use std::{error::Error, fs::File, io::Write, path::PathBuf};

use clap::Parser;
use contenders::measure::{self, Runs};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Topics of Kafka in and out, beside the same on rdkafka by hand")]
struct Arguments {
    /// `source`: topics to a count. `sink`: batches to a topic. `fill`: topics for the peers, and no more.
    #[arg(default_value = "source")]
    workload: String,
    /// The broker; without it that of `scripts/servers run`, in `KAFKA`.
    #[arg(long)]
    brokers: Option<String>,
    /// Also write one JSON object a row to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// A tenth of the records and few repeats.
    #[arg(long)]
    quick: bool,
    /// Runs of each contender; the median is reported.
    #[arg(long)]
    repeat: Option<usize>,
    /// Only groups of a workload whose label has this in it.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let runs = Runs {
        quick: arguments.quick,
        brief: false,
        repeat: arguments.repeat.unwrap_or(if arguments.quick { 3 } else { 5 }),
        only: arguments.only.map(|only| &*only.leak()),
    };
    let brokers = arguments.brokers.or_else(|| std::env::var("KAFKA").ok());
    let brokers = brokers
        .ok_or("no broker: name one by --brokers, or run this by `scripts/servers run kafka -- ..`")?;
    let rows = match arguments.workload.as_str() {
        "source" => source::run(&brokers, runs),
        "sink" => sink::run(&brokers, runs),
        "fill" => {
            source::fill(&brokers, runs);
            Vec::new()
        }
        other => return Err(format!("no workload is called `{other}`").into()),
    };
    measure::print(&rows);
    if let Some(path) = arguments.json {
        let mut file = File::create(path)?;
        for row in &rows {
            writeln!(file, "{}", serde_json::to_string(row)?)?;
        }
    }
    Ok(())
}
