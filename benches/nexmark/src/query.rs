//! A query, and how it is run on batches of events.

use std::{
    rc::Rc,
    sync::{Arc, Mutex},
};

use nexmark::event::Event;
use streaming_runtime::{
    Job, ManualClock, Record, StartError,
    connect::{Batch, ConnectorError, SourceContext},
    prelude::*,
};

use super::checksum::{Portable, hash};

pub type Batches = Vec<Vec<Event>>;

/// What a run delivered: the numbers of batches, from 0, with what came of them.
type Delivered<U> = Vec<(u64, Vec<U>)>;

/// The sum of all that was delivered, after each batch of a run of so many: a function, to be called when the clock has
/// stopped.
pub type Sums = Box<dyn FnOnce(usize) -> Vec<u64>>;

/// Goes through the batches with so many workers.
pub type Run = Rc<dyn Fn(Batches, usize) -> Sums>;

/// A query in `stream!`, and the plain loop that does the same.
pub struct Query {
    pub name: &'static str,
    pub stream: Run,
    pub plain: Run,
}

/// Starts a query's pipeline.
type Start<U> = fn(&Engine, Given, Collected<U>) -> Result<Job, StartError>;

impl Query {
    /// A query whose outputs stay as they are.
    pub fn each<U: Record + Portable, F: FnMut(u64, Vec<Event>) -> Vec<U> + 'static>(
        name: &'static str,
        start: Start<U>,
        plain: fn() -> F,
    ) -> Query {
        Query::new(name, start, plain, hash)
    }

    /// A query whose result is kept up to date: outputs are changes of it.
    pub fn kept<U: Record + Portable, F: FnMut(u64, Vec<Event>) -> Vec<(U, i64)> + 'static>(
        name: &'static str,
        start: Start<(U, i64)>,
        plain: fn() -> F,
    ) -> Query {
        Query::new(name, start, plain, |(record, times)| hash(record).wrapping_mul(*times as u64))
    }

    fn new<U: Record, F: FnMut(u64, Vec<Event>) -> Vec<U> + 'static>(
        name: &'static str,
        start: Start<U>,
        plain: fn() -> F,
        weigh: fn(&U) -> u64,
    ) -> Query {
        let stream = move |batches, workers| -> Sums {
            let delivered = drive(batches, workers, start);
            Box::new(move |batches| sums(delivered, batches, weigh))
        };
        let plain = move |batches: Batches, _| -> Sums {
            let mut plain = plain();
            let delivered: Delivered<U> =
                (0..).zip(batches).map(|(n, events)| (n, plain(n, events))).collect();
            Box::new(move |batches| sums(delivered, batches, weigh))
        };
        Query { name, stream: Rc::new(stream), plain: Rc::new(plain) }
    }
}

fn sums<U>(delivered: Delivered<U>, batches: usize, weigh: fn(&U) -> u64) -> Vec<u64> {
    let mut each = vec![0_u64; batches];
    for (n, records) in delivered {
        let sum = &mut each[n as usize];
        *sum = records.iter().map(weigh).fold(*sum, u64::wrapping_add);
    }
    let so_far = |sum: &mut u64, more: u64| {
        *sum = sum.wrapping_add(more);
        Some(*sum)
    };
    each.into_iter().scan(0, so_far).collect()
}

/// Sends each batch whole, as fast as the job takes it.
pub struct Given(Batches);

impl Source<Event> for Given {
    const PACED: bool = true;
    async fn run(self, mut out: SourceContext<Event>) -> Result<(), ConnectorError> {
        for events in self.0 {
            out.batch_due().await;
            out.send_all(events).await?;
        }
        Ok(())
    }
}

pub struct Collected<U>(Arc<Mutex<Delivered<U>>>);

impl<U: Record> Sink<U> for Collected<U> {
    async fn write(&mut self, batch: Batch<U>) -> Result<(), ConnectorError> {
        // A batch is named by its end, so that of the first second by 1.
        let number = batch.time.as_millis() / 1000 - 1;
        self.0.lock().expect("no panics under it").push((number, batch.records));
        Ok(())
    }
}

fn drive<U: Record>(batches: Batches, workers: usize, start: Start<U>) -> Delivered<U> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let delivered = Arc::new(Mutex::new(Vec::new()));
    let seconds = batches.len() as u64;
    runtime.expect("a runtime").block_on(async {
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = start(&engine, Given(batches), Collected(delivered.clone())).expect("it starts");
        // Every boundary is due at once: batches close as fast as they are done.
        clock.advance(secs(seconds));
        job.join().await.expect("it ends well");
    });
    std::mem::take(&mut *delivered.lock().expect("no panics under it"))
}
