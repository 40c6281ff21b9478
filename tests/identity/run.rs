//! Runs of a pipeline, one behind the other on one checkpoint.

use std::{fs, path::Path};

use streaming_runtime::{
    Checkpoint, Engine, JobError, ManualClock, Pipeline, StartError,
    connect::{Collect, Collected, collect},
    secs,
};

/// What the last batch delivered, sorted, after `batches` more batches; `ports` makes the pipeline of a sink.
pub async fn run<T: Ord + Clone + Send + 'static, P: Pipeline>(
    checkpoint: impl Into<Checkpoint>,
    clock: &ManualClock,
    batches: u64,
    ports: impl FnOnce(Collect<T>) -> P,
) -> Result<Vec<T>, Failure> {
    let (out, all): (_, Collected<T>) = collect();
    let engine = Engine::new().checkpoint(checkpoint).manual_clock(clock);
    let mut job = engine.start(ports(out)).map_err(Failure::Start)?;
    clock.advance(secs(batches));
    job.join().await.map_err(Failure::Job)?;
    let mut last = all.batches().pop().map(|batch| batch.records).unwrap_or_default();
    last.sort();
    Ok(last)
}

/// How a run ends badly.
#[derive(Debug)]
pub enum Failure {
    Start(StartError),
    Job(JobError),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Start(error) => error.fmt(f),
            Failure::Job(error) => error.fmt(f),
        }
    }
}

/// The ids of the states in a lock file.
pub fn ids(lock: &Path) -> Vec<String> {
    let text = fs::read_to_string(lock).expect("the start has written it");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("pipeline"));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}
