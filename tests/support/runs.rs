//! A pipeline that is run from its start to its end, and what came out.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use streaming_runtime::{Engine, Job, JobError, ManualClock, connect::Collected, secs};
use tokio::runtime::{Builder, Runtime};

/// A record of most pipelines of the tests.
pub type Pair = (u8, i64);

/// Far more than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Waits for what must come.
pub async fn soon<R>(what: impl Future<Output = R>) -> R {
    let what: Pin<&mut dyn Future<Output = R>> = pin!(what);
    tokio::time::timeout(PATIENCE, what).await.expect("nothing hangs")
}

/// Runs on a tokio runtime of its own, as `#[tokio::test]` does, for tests with parameters.
pub fn block_on<R>(future: impl Future<Output = R>) -> R {
    // As one type: tokio's part is made once, and not for each test.
    let future: Pin<&mut dyn Future<Output = R>> = pin!(future);
    runtime().block_on(future)
}

/// Runs a job for so many batches of a second each, with time moved by hand, until its sources have ended.
pub fn outcome(engine: Engine, batches: usize, start: impl FnOnce(&Engine) -> Job) -> Result<(), JobError> {
    let (runtime, clock) = (runtime(), ManualClock::new());
    let job = {
        let _entered = runtime.enter();
        start(&engine.manual_clock(&clock))
    };
    ended(&runtime, &clock, batches, job)
}

fn ended(runtime: &Runtime, clock: &ManualClock, batches: usize, mut job: Job) -> Result<(), JobError> {
    runtime.block_on(async move {
        clock.advance(secs(batches as u64));
        soon(job.join()).await
    })
}

/// As [`outcome`], of a job that must end well.
pub fn run(engine: Engine, batches: usize, start: impl FnOnce(&Engine) -> Job) {
    outcome(engine, batches, start).expect("it ends well");
}

/// The records in order.
pub fn sorted<T: Ord>(records: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut records: Vec<T> = records.into_iter().collect();
    records.sort();
    records
}

/// The batches of a sink, each as a sorted list, which must be as many as went in.
pub fn got<T: Clone + Ord>(collected: &Collected<T>, batches: usize) -> Vec<Vec<T>> {
    assert_eq!(collected.len(), batches);
    collected.batches().into_iter().map(|batch| sorted(batch.records)).collect()
}
