//! Small workloads of the hot paths. All of it, the worker, connectors and the job's own tasks, runs on one thread and by a
//! clock that is moved by hand; input is made before.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use streaming_runtime::{
    Checkpoint, ManualClock, Pipeline, Record,
    aggregate::sum,
    connect::{Batch, ConnectorError, Delivery, queue, queue::Queue},
    prelude::*,
};
use tokio::runtime::Builder;

stream!(
    /// Words of each batch.
    #[batch(secs(1))]
    fn words<lines: Source<String>, out: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(out);
    }
);

stream!(
    /// Five operators without state.
    #[batch(secs(1))]
    fn stateless<numbers: Source<u64>, out: Sink<u64>>() {
        let odd = numbers.map(|n| n ^ (n >> 7)).filter(|n| n % 3 != 0);
        let picked =
            odd.map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).filter_map(|n| (n & 8 == 0).then_some(n >> 3));
        picked.map(|n| n % 1000).reduce(|a, b| a + b).to(out);
    }
);

stream!(
    /// Sums by key of ten batches.
    #[batch(secs(1))]
    fn window<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(secs(10), secs(1)).aggregate_by_key(sum()).to(out);
    }
);

stream!(
    /// Two windows of five batches, joined.
    #[batch(secs(1))]
    fn join<pairs: Source<(u64, i64)>, out: Sink<((u64, (i64, i64)), i64)>>() {
        let (left, right) = pairs.split(|(_, value)| value % 2 == 0);
        let right = right.window(secs(5), secs(1));
        left.window(secs(5), secs(1)).join(right).changes().to(out);
    }
);

stream!(
    /// Running counts, those that changed.
    #[batch(secs(1))]
    fn running<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        let all = pairs.history().allow_unbounded("it ends soon");
        all.reduce_by_key(|a, b| a + b).changes().to(out);
    }
);

stream!(
    /// A state for each key, made anew in each batch.
    #[batch(secs(1))]
    fn state<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let totals = pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>()));
        totals.allow_unbounded("it ends soon").to(out);
    }
);

stream!(
    /// The smallest label that each vertex reaches, in a loop.
    #[batch(secs(1))]
    fn labels<edges: Source<(u64, u64)>, out: Sink<((u64, u64), i64)>>() {
        let links = edges.window(secs(5), secs(1)).flat_map(|(a, b)| [(a, b), (b, a)]);
        let own = links.map(|(a, _)| (a, a)).distinct();
        let reached = own.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(own).reduce_by_key(u64::min)
        });
        reached.changes().to(out);
    }
);

/// Counts what it gets.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicU64>);

impl<T: Record> Sink<T> for Counted {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        self.0.fetch_add(batch.records.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// Names of the workloads.
pub const NAMES: [&str; 9] =
    ["words", "stateless", "window", "join", "running", "state", "loop", "small", "checkpoint"];

/// Batches before the measured ones: windows are full then, and what is made once is made.
const WARM: u64 = 12;
const MEASURED: u64 = 10;

/// Runs a workload; `measure` is called with what is to be measured. Returns how many records came out.
pub fn run(name: &str, measure: fn(&mut dyn FnMut())) -> Option<u64> {
    let engine = Engine::new();
    let out = Counted::default();
    let delivered = out.0.clone();
    match name {
        "words" => drive(&engine, measure, words::Ports { lines: batches(200, line), out }),
        "stateless" => drive(&engine, measure, stateless::Ports { numbers: batches(50_000, mix), out }),
        "window" => {
            drive(&engine, measure, window::Ports { pairs: batches(5_000, |i| pair(i, 10_000)), out })
        }
        "join" => drive(&engine, measure, join::Ports { pairs: batches(2_000, |i| pair(i, 2_000)), out }),
        "running" => {
            drive(&engine, measure, running::Ports { pairs: batches(5_000, |i| pair(i, 20_000)), out })
        }
        "state" => drive(&engine, measure, state::Ports { pairs: batches(2_000, |i| pair(i, 5_000)), out }),
        "loop" => {
            let edges = batches(100, |i| (mix(i) % 400, (mix(i) >> 32) % 400));
            drive(&engine, measure, labels::Ports { edges, out });
        }
        // What a batch costs that has hardly a record, each waited for.
        "small" => drive_by(1, &engine, measure, window::Ports { pairs: batches(10, |i| pair(i, 10)), out }),
        "checkpoint" => {
            let directory = tempfile::tempdir().expect("there is a place for it");
            let engine = engine.checkpoint(Checkpoint::new(directory.path()).deliver_at_once());
            drive(&engine, measure, window::Ports { pairs: batches(5_000, |i| pair(i, 10_000)), out });
        }
        _ => return None,
    }
    Some(delivered.load(Ordering::Relaxed))
}

fn drive(engine: &Engine, measure: fn(&mut dyn FnMut()), ports: impl Pipeline) {
    drive_by(MEASURED, engine, measure, ports);
}

/// As `drive`, with so many batches due at once.
fn drive_by(at_once: u64, engine: &Engine, measure: fn(&mut dyn FnMut()), ports: impl Pipeline) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = ManualClock::new();
    let engine = engine.clone().manual_clock(&clock);
    let (mut job, mut worker) = runtime.block_on(async { engine.start_local(ports) }).expect("it starts");
    let mut take = |batches: u64| {
        runtime.block_on(async {
            clock.advance(secs(batches));
            tokio::select! {
                biased;
                delivered = job.delivered(clock.now()) => delivered.expect("it runs"),
                () = &mut worker => panic!("there is a batch left, so the job goes on"),
            }
        });
    };
    take(WARM);
    measure(&mut || (0..MEASURED / at_once).for_each(|_| take(at_once)));
}

/// One batch more than is taken, so that the job does not end meanwhile.
fn batches<T: Record>(records: u64, record: impl Fn(u64) -> T) -> Queue<T> {
    let batch = |number: u64| (number * records..(number + 1) * records).map(&record).collect();
    queue((0..=WARM + MEASURED).map(batch).collect::<Vec<Vec<T>>>())
}

fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn pair(number: u64, keys: u64) -> (u64, i64) {
    (mix(number) % keys, (mix(number) >> 40) as i64)
}

/// Ten words of some thousands, small numbers more often.
fn line(number: u64) -> String {
    let word = |i: u64| {
        let n = mix(number * 10 + i);
        format!("word{}", (n >> 32) % (1 << (4 + n % 9)))
    };
    (0..10).map(word).collect::<Vec<_>>().join(" ")
}
