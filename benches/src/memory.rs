//! Whether a job's memory stays where it is: small windows over keys that come and never come again, 10,000 batches;
//! and whether it falls when nothing comes any more.
//!
//! Estimate, before the first run: a window of 100 batches of 200 new keys holds 20,000 keys, some 100 bytes each in
//! three operators, 6 MB beside the 10 MB of a process with a runtime; the same at batch 1,000 and 10,000, within
//! the 5 % of an allocator's mood. When the input stops, the keys' letters and stacks go, the tables
//! stay: a fall of a third of what the window held.
//!
//! Memory is resident memory as the kernel counts it, of a process of its own, so that no other workload's
//! leftovers are in it; the mean of a hundred batches, because the allocator gives pages back when it likes. It is the
//! allocator's doing too: with mimalloc a job whose input stopped was seen to rise by 10 MB while its window
//! emptied, once, and then to stay; with the system's allocator the same job fell by 1 MB. The likely cause is
//! contents of ever smaller sizes, made by a worker and let go by another thread.

use std::{collections::BTreeMap, time::Duration};

use streaming_runtime::{Job, StartError, connect::queue::SharedQueue, prelude::*};

use crate::resident;
use benches_joins::joins;
use benches_latency::overload;
use benches_windows::running;
use contenders::{
    child::in_child,
    driven::{Latest, Running},
    lockstep::Contestant,
    measure::{Params, Row, Runs, rss_bytes},
    pairs::BenchKey,
};

stream!(
    /// One operator of each way to keep a window.
    #[batch(secs(1))]
    fn windows<
        records: Source<(String, i64)>,
        largest: Sink<((String, i64), i64)>,
        sums: Sink<(String, i64)>,
        keys: Sink<String>,
    >(
        size: Duration,
    ) {
        let recent = records.window(size, secs(1));
        recent.reduce_by_key(i64::max).changes().to(largest);
        recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).expire_after(size).to(sums);
        recent.map(|(key, _)| key).distinct().to(keys);
    }
);

const WINDOW: u64 = 100;
const RECORDS: u64 = 200;

fn start(
    engine: &Engine,
    records: SharedQueue<(String, i64)>,
    largest: Latest<((String, i64), i64)>,
) -> Result<Job, StartError> {
    let (sums, keys) = (Latest::default(), Latest::default());
    engine.start(windows::Ports { records, largest, sums, keys, size: secs(WINDOW) })
}

/// Early and late, in batches; figures are of the hundred batches before.
fn marks(runs: Runs) -> (u64, u64) {
    if runs.quick { (500, 2_000) } else { (1_000, 10_000) }
}

pub fn run(runs: Runs) -> Vec<Row> {
    let (early, late) = marks(runs);
    let mut rows = Vec::new();
    for (what, wanted) in [("goes on", "0.9 to 1.1"), ("stops", "<= 1")] {
        let params: Params = BTreeMap::from([
            ("input", what.into()),
            ("records_a_batch", RECORDS.into()),
            ("window", WINDOW.into()),
            ("key", "String".into()),
        ]);
        let figures = in_child(&["churn", what], runs);
        let [start, early_bytes, late_bytes] = figures[..] else { panic!("the child says three figures") };
        let mut figure =
            |what: String, value, wanted| rows.push(Row::figure("memory", &params, what, value, wanted));
        let mega = |bytes: u64| bytes as f64 / 1e6;
        figure(format!("input {what}: MB before the first batch"), mega(start), "");
        figure(format!("input {what}: MB at batch {early}"), mega(early_bytes), "");
        figure(format!("input {what}: MB at batch {late}"), mega(late_bytes), "");
        let ratio = late_bytes as f64 / early_bytes as f64;
        figure(format!("input {what}: memory at batch {late} / {early}"), ratio, wanted);
    }
    rows
}

/// In a process of its own: resident memory at the start, at the early and at the late mark.
fn churn(what: &str, runs: Runs) -> Vec<u64> {
    let (early, late) = marks(runs);
    let mut job = Running::start(1, start, |_, changes| changes.len() as u64);
    let mut figures = vec![rss_bytes()];
    let mut recent = Vec::new();
    for number in 0..late {
        let record = |i: u64| (String::numbered(number * RECORDS + i), i as i64);
        let records = if what == "stops" && number >= early { 0 } else { RECORDS };
        job.give((0..records).map(record).collect());
        job.slide();
        job.hash();
        recent.push(rss_bytes());
        if number + 1 == early || number + 1 == late {
            let last = &recent[recent.len() - 100..];
            figures.push(last.iter().sum::<u64>() / 100);
        }
    }
    figures
}

/// What a child does, see [`contenders::child`].
pub fn alone(task: &[String], runs: Runs) {
    let task: Vec<&str> = task.iter().map(String::as_str).collect();
    let figures = match task[..] {
        ["held", engine, key] => running::held(engine, key, runs),
        ["churn", what] => churn(what, runs),
        ["overload", what, engine] => overload::alone(what, engine, runs),
        ["startup", path] => resident::first_batch(path),
        ["resident", what, input] => resident::held(what, input, runs),
        ["joined", engine] => joins::held(engine, runs),
        _ => panic!("there is no task {task:?}"),
    };
    figures.iter().for_each(|figure| println!("{figure}"));
}
