//! `cargo run --release -p benches -- WORKLOAD`: what the engine costs, beside what one would write by hand.
//!
//! The engines of a workload run in turn, several times, and medians are reported; equal work must give equal
//! checksums or the run fails. Each workload's module states its estimate, written before the first run.
//!
//! Groups of workloads are crates of their own, so that changing one compiles no other: `windows`, `joins`, `latency` and the
//! rest here; what they share is in `contenders`. Nexmark is a program of its own, `benches-nexmark`.

mod chain;
mod checkpoint;
mod compile;
mod export;
mod memory;
mod observed;
mod resident;
mod soak;
mod words;

use std::{fs::File, io::Write, path::PathBuf};

use benches_joins::{graph, joins};
use benches_latency::{crossover, idle, latency, open_loop, overload, views};
use benches_windows::{running, windows};
use clap::{Parser, Subcommand};
use contenders::measure::{self, Row, Runs};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Workloads of streaming-runtime, each beside what one would write by hand")]
struct Arguments {
    #[command(subcommand)]
    workload: Workload,
    /// Also write one JSON object a row to this file; of latencies with the whole histogram.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Small sizes and few repeats: under a minute.
    #[arg(long, global = true)]
    quick: bool,
    /// Without the largest sizes, as `all` and the report do it: minutes instead of an hour.
    #[arg(long, global = true)]
    brief: bool,
    /// Runs of each engine; the median is reported.
    #[arg(long, global = true)]
    repeat: Option<usize>,
    /// Only the groups whose label contains this, for instance "max u64".
    #[arg(long, global = true)]
    only: Option<String>,
}

#[derive(Subcommand)]
enum Workload {
    /// Word count per batch.
    Words,
    /// Five stateless operators against one hand-fused closure.
    Chain,
    /// From a record to its result: one at a time, and over TCP at given rates (`--only "open loop"`).
    Latency,
    /// Cost against load, beside micro-batches.
    Crossover,
    /// Sliding windows by key.
    Windows,
    /// A running count of a million keys.
    Running,
    /// Two windows joined by key.
    Joins,
    /// Whether memory stays where it is over 10,000 batches.
    Memory,
    /// How soon a process has its first batch out, and what memory it holds.
    Resident,
    /// Ten times more than a job can take.
    Overload,
    /// Components and distances of a graph whose edges come and go.
    Graph,
    /// What it costs to be metered and read.
    Observed,
    /// What checkpoints cost, and how soon a job goes on from one.
    Checkpoint,
    /// Look-ups in a view while a job writes it.
    Views,
    /// What ten idle pipelines cost.
    Idle,
    /// `cargo check` after an edit, the macro itself, release build per pipeline.
    Compile,
    /// Processes that are killed 200 times, and what they leave behind.
    Soak,
    /// All of the above but the crossover and the last, without the largest sizes.
    All,
    /// Writes the input of the engines in `benches/peers` to a directory, 600 MB.
    Data { directory: PathBuf },
    /// Sends the lines of the open loop to the first who connects: for engines in other processes.
    #[command(hide = true)]
    Send {
        #[arg(long)]
        rate: u64,
        #[arg(long)]
        records: u64,
    },
    /// A task in a process of its own, for a workload that measures memory.
    #[command(hide = true)]
    Alone { task: Vec<String> },
    /// A process that `soak` kills.
    #[command(hide = true)]
    Killed,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let runs = Runs {
        quick: arguments.quick,
        brief: arguments.brief || matches!(arguments.workload, Workload::All),
        repeat: arguments.repeat.unwrap_or(if arguments.quick { 3 } else { 7 }),
        only: arguments.only.map(|only| &*only.leak()),
    };
    let workloads: &[fn(Runs) -> Vec<Row>] = match arguments.workload {
        Workload::Words => &[words::run],
        Workload::Chain => &[chain::run],
        Workload::Latency => &[latency::run],
        Workload::Crossover => &[crossover::run],
        Workload::Windows => &[windows::run],
        Workload::Running => &[running::run],
        Workload::Joins => &[joins::run],
        Workload::Memory => &[memory::run],
        Workload::Resident => &[resident::run],
        Workload::Alone { task } => {
            memory::alone(&task, runs);
            return Ok(());
        }
        Workload::Data { directory } => return Ok(export::write(&directory)?),
        Workload::Send { rate, records } => return Ok(open_loop::send(rate, records)?),
        Workload::Killed => return soak::killed(),
        Workload::Soak => &[soak::run],
        Workload::Overload => &[overload::run],
        Workload::Graph => &[graph::run],
        Workload::Observed => &[observed::run],
        Workload::Checkpoint => &[checkpoint::run],
        Workload::Views => &[views::run],
        Workload::Idle => &[idle::run],
        Workload::Compile => &[compile::run],
        Workload::All => &[
            words::run,
            chain::run,
            latency::run,
            windows::run,
            running::run,
            joins::run,
            memory::run,
            resident::run,
            overload::run,
            graph::run,
            observed::run,
            checkpoint::run,
            views::run,
            idle::run,
            compile::run,
        ],
    };
    let mut rows = Vec::new();
    for workload in workloads {
        let group = workload(runs);
        measure::print(&group);
        rows.extend(group);
    }
    if let Some(path) = arguments.json {
        let mut file = File::create(path)?;
        for row in &rows {
            writeln!(file, "{}", serde_json::to_string(row)?)?;
        }
    }
    Ok(())
}
