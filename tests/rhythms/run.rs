//! Runs a pipeline through moments: times at which records come and, where batches close early, become a batch.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Checkpoint, Job, ManualClock,
    connect::{Batch, ChannelSource, ConnectorError, Sender, channel},
    prelude::*,
    testing::SimulatedDisk,
};
use support::block_on;

pub(crate) type Pair = (u8, i64);
/// A record with its side: the left stream is made of those with `true`.
pub(crate) type Item = (bool, Pair);

/// What happens at a time.
#[derive(Clone, Debug)]
enum Moment {
    /// Time goes on a little, and records come. With early closing they are a batch of that time.
    Items(Vec<Item>),
    /// Time goes on to the next whole second, and the batch of that time closes.
    Boundary,
    /// The job is killed and started again on what it has written.
    Restart,
}

/// Moments of some seconds, with `restarts` if that is wanted. They end at a boundary.
fn moments(seconds: usize, restarts: bool) -> impl Strategy<Value = Vec<Moment>> {
    let item = (any::<bool>(), (0..3u8, 1..4i64));
    let items = vec(item, 1..4).prop_map(Moment::Items);
    let moment = match restarts {
        true => prop_oneof![4 => items, 1 => Just(Moment::Restart)].boxed(),
        false => items.boxed(),
    };
    vec(vec(moment, 0..3), seconds).prop_map(|seconds| {
        seconds.into_iter().flat_map(|moments| moments.into_iter().chain([Moment::Boundary])).collect()
    })
}

/// A sink of all jobs of a test, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Store<T>(Arc<Mutex<Vec<Batch<T>>>>);

impl<T> Default for Store<T> {
    fn default() -> Self {
        Store(Arc::default())
    }
}

impl<T: Clone> Store<T> {
    pub(crate) fn batches(&self) -> Vec<Batch<T>> {
        self.0.lock().expect("nothing panics under this lock").clone()
    }
}

impl<T: Send + 'static> Sink<T> for Store<T> {
    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        self.0.lock().expect("nothing panics under this lock").push(batch);
        Ok(())
    }
}

/// A way to run a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    moments: Vec<Moment>,
    early: bool,
    /// Of the first job, and of every other one that is started after it.
    workers: [usize; 2],
    pub(crate) kinds: (u8, u8),
}

impl Case {
    /// Of so many kinds on the left and on the right.
    pub(crate) fn any(lefts: u8, rights: u8) -> impl Strategy<Value = Case> {
        let workers = (1..3usize, 1..3usize).prop_map(|(one, other)| [one, other]);
        let moments = any::<bool>().prop_flat_map(|restarts| moments(8, restarts));
        let parts = (moments, any::<bool>(), workers, (0..lefts, 0..rights));
        parts.prop_map(|(moments, early, workers, kinds)| Case { moments, early, workers, kinds })
    }

    /// Runs a pipeline; returns the time up to which it is to be looked at. What the end of a job delivers is
    /// another matter.
    pub(crate) fn run(&self, start: impl Fn(&Engine, ChannelSource<Item>) -> Job) -> u64 {
        let clock = ManualClock::new();
        let disk = SimulatedDisk::default();
        let restarts = self.moments.iter().any(|moment| matches!(moment, Moment::Restart));
        block_on(async {
            let begin = |workers: usize| {
                let mut engine = Engine::new().workers(workers).manual_clock(&clock).close_early(self.early);
                if restarts {
                    engine = engine.checkpoint(Checkpoint::in_storage(disk.clone()));
                }
                let (sender, source) = channel(64);
                (start(&engine, source), sender)
            };
            let (mut workers, mut running) = (self.workers, begin(self.workers[0]));
            for moment in &self.moments {
                let (job, sender) = &mut running;
                match moment {
                    Moment::Items(items) => self.send(&clock, sender, items).await,
                    Moment::Boundary => to_boundary(&clock, job).await,
                    Moment::Restart => {
                        running.0.abort().await;
                        disk.kill();
                        workers.reverse();
                        running = begin(workers[0]);
                    }
                }
            }
            running.0.stop().await.expect("it ends well");
        });
        let boundaries = self.moments.iter().filter(|moment| matches!(moment, Moment::Boundary)).count();
        boundaries as u64 * 1_000_000_000
    }

    async fn send(&self, clock: &ManualClock, sender: &Sender<Item>, items: &[Item]) {
        clock.advance(millis(7));
        sender.send_all(items.to_vec()).await.expect("it runs");
        if self.early {
            sender.flush().await.expect("it runs");
        }
    }
}

async fn to_boundary(clock: &ManualClock, job: &mut Job) {
    let second = secs(1).as_nanos() as u64;
    clock.advance(Duration::from_nanos(second - clock.now().as_nanos() % second));
    job.delivered(clock.now()).await.expect("it runs");
}
