//! The engine's own.

use std::time::Duration;

use streaming_runtime::{Job, Record, StartError, aggregate, connect::queue::SharedQueue, prelude::*};

use super::plain::{Stacks, Total, Upkeep, contents_hash};
use contenders::{
    driven::{Latest, Running},
    function::{Function, Max, Range, Sum},
    pairs::BenchKey,
    rows::kept_hash,
};

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
    K: BenchKey,
    W: Pipelines<K>,
{
    let start = |engine: &Engine, records, out| W::start_contents(engine, secs(window), records, out);
    Running::start(workers, start, |_, contents| contents_hash::<K, W::Function>(contents))
}

/// Changes of a window of so many batches.
#[allow(clippy::type_complexity)]
pub fn changes<K, W>(window: u64, workers: usize) -> Running<(K, i64), ((K, Of<W>), i64)>
where
    K: BenchKey,
    W: Pipelines<K>,
{
    let start = |engine: &Engine, records, out| W::start_changes(engine, secs(window), records, out);
    Running::start(workers, start, |kept, changes| {
        let hash = |((key, of), times): &((K, Of<W>), i64)| {
            kept_hash::<K, W::Function>(key, *of).wrapping_mul(*times as u64)
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
workload!(SumNamed, "sum", Sum, Total<Sum, false>, i64, .aggregate_by_key(aggregate::sum()));
workload!(SumStacks, "sum by two stacks", Sum, Stacks<Sum>, i64, .reduce_by_key(|a, b| a + b));
workload!(MaxStacks, "max", Max, Stacks<Max>, i64, .reduce_by_key(i64::max));
workload!(RangeStacks, "a user's function", Range, Stacks<Range>, Range,
    .map(|(key, value)| (key, Range::of(value))).reduce_by_key(Range::merge));
