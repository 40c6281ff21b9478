//! The engine's own: a job that is given a batch, whose clock is moved on by one interval, and that is waited for.
//!
//! The time of a slide begins when the batch is due and ends when the sink has it: the way through the source's
//! task, the queue, the workers and the sink's task is in it.

use std::{
    hash::Hash,
    sync::{Arc, Mutex},
    time::Duration,
};

use streaming_runtime::{
    Abelian, Aggregate, Job, ManualClock, Record, StartError,
    connect::{
        Batch, ConnectorError,
        queue::{Pusher, SharedQueue, shared},
    },
    prelude::*,
};
use tokio::runtime::{Builder, Runtime};

use super::{
    function::{Function, Max, Range, Sum},
    plain::{Stacks, Total, Upkeep, contents_hash, pair_hash},
};
use crate::lockstep::Contestant;

/// Keeps the batch that it got last.
pub struct Latest<U>(Arc<Mutex<Vec<U>>>);

impl<U: Record> Sink<U> for Latest<U> {
    async fn write(&mut self, batch: Batch<U>) -> Result<(), ConnectorError> {
        *self.0.lock().expect("no panics under it") = batch.records;
        Ok(())
    }
}

/// A running job with one source and one sink.
pub struct Running<T, U> {
    runtime: Runtime,
    clock: ManualClock,
    job: Job,
    pusher: Pusher<T>,
    latest: Arc<Mutex<Vec<U>>>,
    /// Puts what a batch delivered to the hash of what was kept before.
    add_up: fn(u64, Vec<U>) -> u64,
    kept: u64,
}

impl<T: Record, U: Record> Running<T, U> {
    pub fn start(
        workers: usize,
        start: impl FnOnce(&Engine, SharedQueue<T>, Latest<U>) -> Result<Job, StartError>,
        add_up: fn(u64, Vec<U>) -> u64,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let clock = ManualClock::new();
        let (pusher, source) = shared(1);
        let latest = Arc::new(Mutex::new(Vec::new()));
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let job = {
            let _in_it = runtime.enter();
            start(&engine, source, Latest(latest.clone())).expect("it starts")
        };
        Running { runtime, clock, job, pusher, latest, add_up, kept: 0 }
    }
}

impl<T: Record, U: Record> Contestant<Vec<T>> for Running<T, U> {
    fn give(&mut self, batch: Vec<T>) {
        assert!(self.pusher.try_push(batch).is_ok(), "the batch before was taken");
    }

    fn slide(&mut self) {
        self.clock.advance(secs(1));
        self.runtime.block_on(self.job.delivered(self.clock.now())).expect("it runs");
    }

    fn hash(&mut self) -> u64 {
        let latest = std::mem::take(&mut *self.latest.lock().expect("no panics under it"));
        self.kept = (self.add_up)(self.kept, latest);
        self.kept
    }
}

/// A windowed aggregation, in all the ways that it is done.
pub trait Workload: 'static {
    const NAME: &'static str;
    type Function: Function;
    /// What the plain loop keeps of a key.
    type Upkeep: Upkeep<Self::Function>;
}

/// What a workload makes of the values of a key.
pub type Of<W> = <<W as Workload>::Function as Function>::Of;
type Started = Result<Job, StartError>;

/// The workload as pipelines, for keys of a type: the whole window, and what changed.
pub trait Pipelines<K: Record>: Workload {
    fn start_contents(
        engine: &Engine,
        size: Duration,
        records: SharedQueue<(K, i64)>,
        out: Latest<(K, Of<Self>)>,
    ) -> Started;
    #[allow(clippy::type_complexity)]
    fn start_changes(
        engine: &Engine,
        size: Duration,
        records: SharedQueue<(K, i64)>,
        out: Latest<((K, Of<Self>), i64)>,
    ) -> Started;
}

/// Contents of a window of so many batches.
pub fn contents<K, W>(window: u64, workers: usize) -> Running<(K, i64), (K, Of<W>)>
where
    K: Record + Hash,
    W: Pipelines<K>,
{
    let start = |engine: &Engine, records, out| W::start_contents(engine, secs(window), records, out);
    Running::start(workers, start, |_, contents| contents_hash::<K, W::Function>(contents))
}

/// Changes of a window of so many batches.
#[allow(clippy::type_complexity)]
pub fn changes<K, W>(window: u64, workers: usize) -> Running<(K, i64), ((K, Of<W>), i64)>
where
    K: Record + Hash,
    W: Pipelines<K>,
{
    let start = |engine: &Engine, records, out| W::start_changes(engine, secs(window), records, out);
    Running::start(workers, start, |kept, changes| {
        let hash = |((key, of), times): &((K, Of<W>), i64)| {
            pair_hash::<K, W::Function>(key, *of).wrapping_mul(*times as u64)
        };
        changes.iter().map(hash).fold(kept, u64::wrapping_add)
    })
}

macro_rules! workload {
    ($workload:ident, $name:literal, $function:ty, $upkeep:ty, $of:ident, $($how:tt)*) => {
        pub enum $workload {}
        impl Workload for $workload {
            const NAME: &'static str = $name;
            type Function = $function;
            type Upkeep = $upkeep;
        }
        workload!(@ $workload, u64, $of, $($how)*);
        workload!(@ $workload, String, $of, $($how)*);
    };
    (@ $workload:ident, $key:ident, $of:ident, $($how:tt)*) => {
        impl Pipelines<$key> for $workload {
            fn start_contents(
                engine: &Engine,
                size: Duration,
                records: SharedQueue<($key, i64)>,
                out: Latest<($key, $of)>,
            ) -> Started {
                stream!(
                    #[batch(secs(1))]
                    fn contents<records: Source<($key, i64)>, out: Sink<($key, $of)>>(size: Duration) {
                        records.window(size, secs(1))$($how)*.to(out);
                    }
                );
                engine.start(contents::Ports { records, out, size })
            }
            fn start_changes(
                engine: &Engine,
                size: Duration,
                records: SharedQueue<($key, i64)>,
                out: Latest<(($key, $of), i64)>,
            ) -> Started {
                stream!(
                    #[batch(secs(1))]
                    fn changes<records: Source<($key, i64)>, out: Sink<(($key, $of), i64)>>(size: Duration) {
                        records.window(size, secs(1))$($how)*.changes().to(out);
                    }
                );
                engine.start(changes::Ports { records, out, size })
            }
        }
    };
}

workload!(SumBack, "sum with inverse", Sum, Total<Sum, true>, i64,
    .reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).allow_unbounded("a bench"));
// The named aggregate `sum()` goes here, in place of `Adding`.
workload!(SumNamed, "sum", Sum, Total<Sum, false>, i64, .aggregate_by_key(Adding));
workload!(SumStacks, "sum by two stacks", Sum, Stacks<Sum>, i64, .reduce_by_key(|a, b| a + b));
workload!(MaxStacks, "max", Max, Stacks<Max>, i64, .reduce_by_key(i64::max));
workload!(RangeStacks, "a user's function", Range, Stacks<Range>, Range,
    .map(|(key, value)| (key, Range::of(value))).reduce_by_key(Range::merge));

/// A sum that says that it can be undone.
struct Adding;

impl Aggregate<i64> for Adding {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Abelian;
    fn create(&self, value: i64) -> i64 {
        value
    }
    fn merge(&self, older: i64, newer: i64) -> i64 {
        older + newer
    }
    fn undo(&self, whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
    fn result(&self, sum: i64) -> i64 {
        sum
    }
}
