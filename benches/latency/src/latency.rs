//! From a record to its result: one at a time, and at given rates over TCP (`open_loop`).
//!
//! One record in, its batch closed early, its result seen in tokio.
//!
//! Estimate, before the first run: three wake-ups of a sleeping thread (worker, sink's task, our task), of
//! which the last two share a thread, and some 5 us in the worker: 30-60 us at the median; the tail is the
//! scheduler's.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::future::{Either, ready};
use hdrhistogram::Histogram;
use streaming_runtime::{
    connect::{channel, channel_sink},
    prelude::*,
};

use crate::open_loop;
use contenders::measure::{Row, Runs};

stream!(
    /// Counts of each batch.
    #[batch(secs(1))]
    fn count_keys<keys: Source<u64>, counts: Sink<(u64, i64)>>() {
        keys.map(|key| (key, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

pub fn run(runs: Runs) -> Vec<Row> {
    let rounds = if runs.quick { 1_000 } else { 20_000 };
    let mut rows = match runs.wants("open loop") {
        true => open_loop::run(runs),
        false => Vec::new(),
    };
    if !runs.wants("closed loop") {
        return rows;
    }
    for engine in ["in the runtime", "own thread"] {
        for gap in [Duration::ZERO, Duration::from_millis(1)] {
            let rounds = if gap.is_zero() { rounds } else { rounds / 10 };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let histogram = runtime.expect("a runtime").block_on(closed_loop(engine, rounds, gap));
            let row = Row {
                workload: "latency",
                params: BTreeMap::from([
                    ("gap_us", (gap.as_micros() as u64).into()),
                    ("rounds", rounds.into()),
                ]),
                engine,
                workers: 1,
                records: Some(rounds),
                ..Row::default()
            };
            rows.push(row.with_latencies(&histogram));
        }
    }
    rows
}

async fn closed_loop(engine: &str, rounds: u64, gap: Duration) -> Histogram<u64> {
    let (keys, source) = channel::<u64>(1024);
    let (sink, mut results) = channel_sink::<(u64, i64)>(1024);
    let ports = count_keys::Ports { keys: source, counts: sink };
    let settings = Engine::new().close_early(true);
    let (mut job, worker) = match engine {
        "in the runtime" => {
            let (job, worker) = settings.start_local(ports).expect("it starts");
            (job, Either::Left(worker))
        }
        _ => (settings.start(ports).expect("it starts"), Either::Right(ready(()))),
    };
    let measured = async {
        let mut histogram = Histogram::new(3).expect("three digits");
        for round in 0..rounds + rounds / 10 {
            if !gap.is_zero() {
                tokio::time::sleep(gap).await;
            }
            let sent = Instant::now();
            keys.send(round).await.expect("the job runs");
            // Batches at the boundaries are empty and in between.
            while results.recv().await.expect("the job runs").records.is_empty() {}
            if round >= rounds / 10 {
                histogram.record(sent.elapsed().as_nanos() as u64).expect("it resizes");
            }
        }
        drop(keys);
        job.join().await.expect("it ends well");
        histogram
    };
    tokio::join!(measured, worker).0
}
