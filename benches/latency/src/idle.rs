//! What ten idle pipelines cost together, with batches of a second that close empty; and how long a job takes from
//! its start to its first output.
//!
//! Estimate, before the first run: ten batches a second, each some 100 us of timer, wake-ups and an empty
//! write: 0.1 % of a core. A start makes a thread, builds a dataflow and wakes each of them once: 0.3 ms.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use streaming_runtime::{
    connect::{channel, channel_sink},
    prelude::*,
};

use contenders::measure::{Row, Runs, cpu_seconds};

stream!(
    /// Counts of each batch.
    #[batch(secs(1))]
    fn idle<keys: Source<u64>, counts: Sink<(u64, i64)>>() {
        keys.count_by_value().to(counts);
    }
);

pub fn run(runs: Runs) -> Vec<Row> {
    let watched = Duration::from_secs(if runs.quick { 5 } else { 30 });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let cpu = runtime.expect("a runtime").block_on(async {
        let mut kept = Vec::new();
        for _ in 0..10 {
            let (keys, source) = channel::<u64>(16);
            let (sink, mut results) = channel_sink(16);
            let engine = Engine::new().close_early(true);
            let job = engine.start(idle::Ports { keys: source, counts: sink }).expect("it starts");
            tokio::spawn(async move { while results.recv().await.is_some() {} });
            kept.push((keys, job));
        }
        // Started and settled before the watch begins.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = cpu_seconds();
        tokio::time::sleep(watched).await;
        cpu_seconds() - before
    });
    let mut starts: Vec<Duration> = (0..50).map(|_| first_output()).collect();
    starts.sort();
    let quantile = |n: usize| Some(starts[starts.len() * n / 100].as_secs_f64() * 1e6);
    let start = Row {
        workload: "idle",
        params: BTreeMap::from([("from", "start to first output".into())]),
        engine: "stream",
        workers: 1,
        p50_us: quantile(50),
        p99_us: quantile(99),
        ..Row::default()
    };
    let idle = Row {
        workload: "idle",
        params: BTreeMap::from([("jobs", 10.into()), ("watched_s", watched.as_secs().into())]),
        engine: "stream",
        workers: 1,
        seconds: Some(watched.as_secs_f64()),
        cpu_seconds: Some(cpu),
        ..Row::default()
    };
    vec![idle, start]
}

/// From the call that starts a job to the first result, of a record that waits already.
fn first_output() -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (keys, source) = channel::<u64>(16);
        let (sink, mut results) = channel_sink(16);
        keys.send(1).await.expect("room");
        let start = Instant::now();
        let engine = Engine::new().close_early(true);
        let mut job = engine.start(idle::Ports { keys: source, counts: sink }).expect("it starts");
        assert!(results.recv().await.is_some());
        let took = start.elapsed();
        job.stop().await.expect("it ends well");
        took
    })
}
