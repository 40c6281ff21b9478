//! Recovery with real processes: six jobs that are killed at any instant, 200 times in all, and started again with one or two
//! workers; what they have committed to files and to SQLite has to be what a run in one go leaves. The jobs are those of
//! the test of the same kind, which does it some 20 times.
//!
//! Estimate, before the first run: a run of 300 batches takes a second, most of it syncs of files; a kill comes after half
//! of that on average, so 200 kills take three to five minutes.
//!
//! It is no measurement: the figure is what was lost or is there twice, and it fails at the first that is.

#[path = "../../tests/processes/soak/mod.rs"]
#[allow(dead_code, unused_imports, reason = "crashes at named points are for the tests")]
mod trials;

use std::{error::Error, time::Instant};

use contenders::measure::{Figure, Params, Row, Runs};
use trials::{Child, Dice, Job, Trial, child};

pub fn run(runs: Runs) -> Vec<Row> {
    let jobs: Vec<Job> = Job::ALL.into_iter().filter(|job| runs.wants(job.name())).collect();
    let (all, batches) = if runs.quick { (20, 100) } else { (200, 300) };
    let kills = (all as u64).div_ceil(jobs.len().max(1) as u64);
    jobs.into_iter().map(|job| trial(job, kills, batches)).collect()
}

fn trial(job: Job, kills: u64, batches: u64) -> Row {
    let directory = tempfile::tempdir().expect("a directory");
    let program = std::env::current_exe().expect("this program is somewhere");
    let me = Child { program, arguments: vec!["killed".to_owned()] };
    let seed = std::env::var("STREAMING_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut dice = Dice::new(seed ^ (job as u64) << 32);
    let mut trial = Trial::new(me, job, (seed, batches, 8 << 10), directory.path());
    let began = Instant::now();
    while trial.kills < kills {
        trial.with_kills(kills, &mut dice);
    }
    let seconds = began.elapsed().as_secs_f64();
    let name = job.name();
    let what = format!("{name}: {} kills in {} runs, {seconds:.0} s; lost or twice", trial.kills, trial.runs);
    let params = Params::from([
        ("job", name.into()),
        ("seed", seed.into()),
        ("batches", batches.into()),
        ("kills", trial.kills.into()),
        ("runs", trial.runs.into()),
    ]);
    // `Trial` has compared everything, and would not have come here.
    let figure = Some(Figure { what, value: 0.0, wanted: "0" });
    Row {
        workload: "soak",
        params,
        engine: "streaming-runtime",
        workers: 2,
        seconds: Some(seconds),
        figure,
        ..Row::default()
    }
}

/// One of the processes.
pub fn killed() -> Result<(), Box<dyn Error>> {
    let role = Child::role().ok_or("only `soak` starts this")?;
    Ok(child(&role)?)
}
