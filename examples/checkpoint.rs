//! A look into a checkpoint: what is in it, how large the state of each operator is, where the sources are, and whether
//! it is whole. Nothing is changed; a job may go on writing meanwhile.
//!
//! ```text
//! cargo run -p examples --example checkpoint -- list state/orders       its files and batches
//! cargo run -p examples --example checkpoint -- inspect state/orders    operators, sources, sinks
//! cargo run -p examples --example checkpoint -- verify state/orders     every byte; the exit code says whether it is whole
//! ```

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use streaming_runtime::checkpoint::{Inspection, LocalDirectory, inspect};

#[derive(Parser)]
#[command(about = "A look into a checkpoint of streaming-runtime")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The files and the batches that can run again.
    List { directory: PathBuf },
    /// The state of each operator, the positions of the sources, the sinks.
    Inspect { directory: PathBuf },
    /// Reads every byte; fails if something is wrong.
    Verify { directory: PathBuf },
}

fn main() -> ExitCode {
    let Arguments { what } = Arguments::parse();
    let (What::List { directory } | What::Inspect { directory } | What::Verify { directory }) = &what;
    if !directory.is_dir() {
        eprintln!("{}: there is no such directory", directory.display());
        return ExitCode::FAILURE;
    }
    let found = LocalDirectory::new(directory)
        .map_err(|error| error.to_string())
        .and_then(|directory| inspect(&directory).map_err(|error| error.to_string()));
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    match what {
        What::List { .. } => list(&found),
        What::Inspect { .. } => show(&found),
        What::Verify { .. } => {}
    }
    for problem in &found.problems {
        println!("{}: {}", if problem.harmless { "note" } else { "DAMAGED" }, problem.what);
    }
    let files: u64 = found.files.iter().map(|file| file.bytes).sum();
    println!(
        "{} files, {files} bytes, {}",
        found.files.len(),
        if found.is_whole() { "whole" } else { "damaged" }
    );
    if found.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn list(found: &Inspection) {
    println!("pipeline {}", found.pipeline);
    for file in &found.files {
        let batches = file.epochs.map_or(String::new(), |(first, last)| format!("batches {first} to {last}"));
        println!("  {:<28} {:>12} bytes {:>8} frames  {batches}", file.name, file.bytes, file.frames);
    }
    for batch in &found.epochs {
        let records: Vec<String> =
            batch.records.iter().map(|(port, records)| format!("{port} {records}")).collect();
        println!(
            "  batch {:>8} at {} {:>10} bytes  {}",
            batch.epoch,
            batch.time,
            batch.bytes,
            records.join(", ")
        );
    }
}

fn show(found: &Inspection) {
    println!("pipeline {}", found.pipeline);
    if let Some((epoch, time)) = found.base {
        println!("  compacted up to batch {epoch} at {time}");
    }
    if let Some((epoch, time)) = found.head {
        println!("  last batch {epoch} at {time}");
    }
    if let Some(epoch) = found.delivered {
        println!("  delivered up to batch {epoch}, to {}", found.sinks.join(", "));
    }
    for operator in &found.operators {
        let state = operator.state.as_deref().unwrap_or("the program has no such operator any more");
        println!("  operator {}: {state}", operator.id);
        println!("    {} panes, {} keys, {} bytes", operator.panes, operator.keys, operator.bytes);
    }
    for source in &found.sources {
        let position = source.position.as_deref().map(String::from_utf8_lossy);
        let position = position.map_or("no position".into(), |position| format!("position {position}"));
        println!(
            "  source {}: {} records, {position} and {} after it",
            source.port, source.total, source.since
        );
        if source.logged.0 > 0 {
            println!("    {} records in the log, {} bytes", source.logged.0, source.logged.1);
        }
    }
}
