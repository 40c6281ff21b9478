//! What checkpoints cost, and how soon a job goes on.
//!
//! Estimate, before the first run. Of 10,000 pairs with 5,600 different keys a pane has 5,600 entries; each is written in
//! 20 ns, so 0.1 ms a batch, and its 70 KB are summed up and appended in 0.05 ms by another thread. The batch takes 1 ms
//! in a window: some 10 %. A word count keeps nothing and writes 50 bytes a batch. With eight batches in flight a sync of 0.5 ms
//! is shared; alone, it is waited for: p99 is a sync and two wake-ups more. Of 1e6 keys 30 MB are read in 0.1 s and put
//! into a table in 0.3 s.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use streaming_runtime::{
    BatchInfo, Checkpoint, Job, Listener, ManualClock, Record, StartError,
    aggregate::sum,
    connect::{Batch, ConnectorError, Delivery, Recovery, SourceContext, channel},
    prelude::*,
};
use tokio::runtime::{Builder, Runtime};

use crate::words::word_count;
use contenders::{
    data,
    lockstep::digest,
    measure::{Contender, Params, Row, Runs, cpu_seconds, in_turn, mix},
};

stream!(
    /// Words of the last thirty batches, every tenth.
    #[batch(secs(1))]
    fn trending<lines: Source<String>, out: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.window(secs(30), secs(10)).count_by_value().to(out);
    }
);

stream!(
    /// What changed in the sums of thirty batches.
    #[batch(secs(1))]
    fn sums<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        pairs.window(secs(30), secs(1)).aggregate_by_key(sum()).changes().to(out);
    }
);

stream!(
    /// What changed in running sums.
    #[batch(secs(1))]
    fn running<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        pairs.history().allow_unbounded("the workload").aggregate_by_key(sum()).changes().to(out);
    }
);

stream!(
    /// As `sums`, ten times a second.
    #[batch(millis(100))]
    fn sums_in_time<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        pairs.window(secs(3), millis(100)).aggregate_by_key(sum()).changes().to(out);
    }
);

/// Batches that can be sent again: number `n` is the `n`-th of a round, again and again.
struct Round<T> {
    batches: Arc<Vec<Vec<T>>>,
    number: usize,
}

impl<T: Record + Sync> Source<T> for Round<T> {
    const PACED: bool = true;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        let mut sent = out.resume_from::<usize>()?.unwrap_or(0);
        while sent < self.number && out.batch_due().await.is_some() {
            out.send_all(self.batches[sent % self.batches.len()].clone()).await?;
            sent += 1;
            out.reached(&sent);
        }
        Ok(())
    }
}

/// Adds up what it gets, and knows when it got it.
#[derive(Clone, Default)]
struct Total(Arc<AtomicU64>, Arc<Mutex<Option<Instant>>>);

impl<T: Record + std::hash::Hash> Sink<T> for Total {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let sum = batch.records.iter().map(digest).fold(0, u64::wrapping_add);
        self.0.fetch_add(sum, Ordering::Relaxed);
        self.1.lock().expect("no panics under it").get_or_insert_with(Instant::now);
        Ok(())
    }
}

/// How a job is kept.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Not,
    AtOnce,
    Once,
}

const WAYS: [(&str, Kept); 3] = [
    ("no checkpoints", Kept::Not),
    ("delivered at once", Kept::AtOnce),
    ("delivered when durable", Kept::Once),
];

impl Kept {
    fn engine(self, directory: &Path) -> Engine {
        let checkpoint = Checkpoint::new(directory);
        match self {
            Kept::Not => Engine::new(),
            Kept::AtOnce => Engine::new().checkpoint(checkpoint.deliver_at_once()),
            Kept::Once => Engine::new().checkpoint(checkpoint),
        }
    }
}

/// A directory on the disk that the programs are on: `/tmp` may be memory.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::current_dir().expect("there is one")).expect("can be made")
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

type Start<T> = fn(&Engine, Round<T>, Total) -> Result<Job, StartError>;

pub fn run(runs: Runs) -> Vec<Row> {
    let (number, paced) = match runs {
        Runs { quick: true, .. } => (100, 30),
        Runs { brief: true, .. } => (300, 150),
        _ => (600, 300),
    };
    let mut rows = Vec::new();
    let lines = Arc::new(data::lines(20, 10_000));
    let pairs = |number: u64| (0..10_000).map(move |i| (mix(number * 10_000 + i) % 10_000, 1)).collect();
    let pairs: Arc<Vec<Vec<(u64, i64)>>> = Arc::new((0..60).map(pairs).collect());
    let start: Start<String> = |engine, lines, counts| engine.start(word_count::Ports { lines, counts });
    rows.extend(throughput("word count", start, &lines, number, runs));
    let start: Start<String> = |engine, lines, out| engine.start(trending::Ports { lines, out });
    rows.extend(throughput("words of 30 batches", start, &lines, number, runs));
    let start: Start<(u64, i64)> = |engine, pairs, out| engine.start(sums::Ports { pairs, out });
    rows.extend(throughput("changed sums of 30 batches", start, &pairs, number, runs));
    let start: Start<(u64, i64)> = |engine, pairs, out| engine.start(running::Ports { pairs, out });
    rows.extend(throughput("running sums", start, &pairs, number, runs));
    if runs.wants("latency") {
        rows.extend(latency(paced));
    }
    if runs.wants("recovery") {
        rows.extend(recovery(if runs.quick { 100_000 } else { 1_000_000 }));
    }
    rows
}

/// Batches of 10,000 records as fast as they go, eight in flight.
fn throughput<T: Record + Sync>(
    pipeline: &'static str,
    start: Start<T>,
    batches: &Arc<Vec<Vec<T>>>,
    number: usize,
    runs: Runs,
) -> Vec<Row> {
    if !runs.wants(pipeline) {
        return Vec::new();
    }
    let params: Params = BTreeMap::from([("pipeline", pipeline.into()), ("batches", number.into())]);
    let contender = |(engine, kept): (&'static str, Kept)| Contender {
        engine,
        workers: 1,
        set_up: Box::new(move || {
            let (directory, runtime, clock) = (directory(), runtime(), ManualClock::new());
            let (source, total) = (Round { batches: batches.clone(), number }, Total::default());
            let job = {
                let _in_it = runtime.enter();
                let engine = kept.engine(directory.path()).manual_clock(&clock);
                start(&engine, source, total.clone()).expect("it starts")
            };
            Box::new(move || {
                let mut job = job;
                clock.advance(secs(number as u64));
                runtime.block_on(job.join()).expect("it ends well");
                Box::new(move || {
                    drop((directory, runtime));
                    total.0.load(Ordering::Relaxed)
                })
            })
        }),
    };
    let contenders = WAYS.map(contender);
    let mut rows = in_turn("checkpoint", params.clone(), number as u64 * 10_000, runs, &contenders);
    let figures: Vec<Row> = rows[1..]
        .iter()
        .zip(["<= 1.05", "<= 1.10"])
        .flat_map(|(row, wanted)| {
            let ratio = |what: &str, of: fn(&Row) -> Option<f64>, wanted| {
                let value = of(row).unwrap_or(0.0) / of(&rows[0]).unwrap_or(1.0);
                let what = format!("{pipeline}: {what} of {} / none", row.engine);
                Row::figure("checkpoint", &params, what, value, wanted)
            };
            [ratio("time", |row| row.seconds, wanted), ratio("CPU", |row| row.cpu_seconds, "")]
        })
        .collect();
    rows.extend(figures);
    rows
}

/// Notes how long batches took from their close to their delivery.
#[derive(Clone)]
struct Delays(Arc<Mutex<Histogram<u64>>>);

impl Listener for Delays {
    fn batch_completed(&self, batch: &BatchInfo) {
        let nanos = batch.processing_delay.as_nanos() as u64;
        self.0.lock().expect("no panics under it").record(nanos).expect("in range");
    }
}

/// Ten batches of 10,000 records a second: from the close of a batch to its delivery.
fn latency(number: usize) -> Vec<Row> {
    let params: Params = BTreeMap::from([("latency at 10 batches/s of records", 10_000.into())]);
    let mut rows = Vec::new();
    let mut syncs = Histogram::<u64>::new(3).expect("valid");
    let delays: [Delays; 3] =
        std::array::from_fn(|_| Delays(Arc::new(Mutex::new(Histogram::new(3).expect("valid")))));
    // CPU seconds and seconds of each way.
    let mut busy = [(0.0, 0.0); 3];
    // In turns, so that a disk that is slow for a while is so for all.
    for turn in 0..3 {
        for (((_, kept), delays), busy) in WAYS.iter().zip(&delays).zip(&mut busy) {
            let (cpu, began) = (cpu_seconds(), Instant::now());
            let (directory, runtime) = (directory(), runtime());
            let engine = kept.engine(directory.path()).listener(delays.clone());
            let (sender, pairs) = channel(1 << 15);
            let job = {
                let _in_it = runtime.enter();
                engine.start(sums_in_time::Ports { pairs, out: Total::default() }).expect("it starts")
            };
            runtime.block_on(async move {
                let mut job = job;
                for batch in 0..number as u64 / 3 {
                    let records = (0..10_000).map(|i| (mix((turn * 100 + batch) * 10_000 + i) % 10_000, 1));
                    sender.send_all(records.collect()).await.expect("it runs");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                job.stop().await.expect("it ends well");
            });
            *busy = (busy.0 + cpu_seconds() - cpu, busy.1 + began.elapsed().as_secs_f64());
        }
        let directory = directory();
        let mut file = File::create(directory.path().join("syncs")).expect("can be made");
        let bytes = vec![0x5a_u8; 70_000];
        for _ in 0..number / 3 {
            let began = Instant::now();
            file.write_all(&bytes).and_then(|()| file.sync_data()).expect("is written");
            syncs.record(began.elapsed().as_nanos() as u64).expect("in range");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    for ((engine, _), delays) in WAYS.iter().zip(&delays) {
        let row =
            Row { workload: "checkpoint", params: params.clone(), engine, workers: 1, ..Row::default() };
        rows.push(row.with_latencies(&delays.0.lock().expect("no panics under it")));
    }
    let row = Row {
        workload: "checkpoint",
        params: params.clone(),
        engine: "append and sync 70 kB",
        ..Row::default()
    };
    rows.push(row.with_latencies(&syncs));
    let p99 = |row: &Row| row.p99_us.unwrap_or(0.0);
    let syncs = (p99(&rows[2]) - p99(&rows[0])) / p99(&rows[3]);
    rows.push(Row::figure("checkpoint", &params, "p99 that durability adds / p99 of a sync", syncs, "<= 1"));
    let cores = busy.map(|(cpu, seconds)| 100.0 * cpu / seconds);
    for ((way, _), cores) in WAYS.iter().zip(cores) {
        rows.push(Row::figure("checkpoint", &params, format!("{way}: % of a core in use"), cores, ""));
    }
    let what = "% of a core that durability adds: that much less is left for records";
    rows.push(Row::figure("checkpoint", &params, what, cores[2] - cores[0], "<= 10"));
    rows
}

/// From the start of a job to its first output, with so many keys in its checkpoint.
fn recovery(keys: u64) -> Vec<Row> {
    let params: Params = BTreeMap::from([("recovery of keys", keys.into())]);
    let batches = |upto: u64| -> Arc<Vec<Vec<(u64, i64)>>> {
        let batch = |number: u64| (number * 10_000..(number + 1) * 10_000).map(|key| (key, 1)).collect();
        Arc::new((0..upto).map(batch).collect())
    };
    let number = keys / 10_000;
    let mut rows = Vec::new();
    let mut first_outputs = Vec::new();
    let (directory, clock) = (directory(), ManualClock::new());
    for turn in 0..6 {
        let runtime = runtime();
        let total = Total::default();
        // One more batch each time, all of the first once.
        let number = number as usize + turn;
        let source = Round { batches: batches(number as u64), number };
        let began = Instant::now();
        let mut job = {
            let _in_it = runtime.enter();
            let engine = Kept::Once.engine(directory.path()).manual_clock(&clock);
            engine.start(running::Ports { pairs: source, out: total.clone() }).expect("it starts")
        };
        clock.advance(secs(if turn == 0 { number as u64 } else { 1 }));
        runtime.block_on(job.join()).expect("it ends well");
        let first = total.1.lock().expect("no panics under it").expect("there was output");
        if turn > 0 {
            first_outputs.push((first - began).as_secs_f64());
        }
    }
    let size: u64 = std::fs::read_dir(directory.path())
        .expect("it is there")
        .map(|file| file.and_then(|file| file.metadata()).map_or(0, |file| file.len()))
        .sum();
    first_outputs.sort_by(f64::total_cmp);
    let [least, .., most] = first_outputs[..] else { panic!("there were several") };
    let median = first_outputs[first_outputs.len() / 2];
    let figure = |what: &str, value, wanted| Row::figure("checkpoint", &params, what, value, wanted);
    rows.push(figure("first output after, seconds, median", median, "<= 2"));
    rows.push(figure("least", least, ""));
    rows.push(figure("most", most, ""));
    rows.push(figure("bytes of the directory a key", size as f64 / keys as f64, ""));
    rows
}
