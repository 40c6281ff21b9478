//! A job that is driven by hand: it is given a batch, its clock is moved on by one interval, and it is waited for.
//!
//! The time of a slide begins when the batch is due and ends when the sink has it: the way through the source's
//! task, the queue, the workers and the sink's task is in it.

use std::sync::{Arc, Mutex};

use streaming_runtime::{
    Job, ManualClock, Record, StartError,
    connect::{
        Batch, ConnectorError,
        queue::{Pusher, SharedQueue, shared},
    },
    prelude::*,
};
use tokio::runtime::{Builder, Runtime};

use crate::lockstep::Contestant;

/// Keeps the batch that it got last.
pub struct Latest<U>(Arc<Mutex<Vec<U>>>);

impl<U> Default for Latest<U> {
    fn default() -> Self {
        Latest(Arc::default())
    }
}

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
