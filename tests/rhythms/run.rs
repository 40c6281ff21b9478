//! Runs a pipeline through moments: times at which records come and, where batches close early, become a batch.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Job, ManualClock,
    connect::{ChannelSource, Sender, channel},
    prelude::*,
};

pub(crate) type Pair = (u8, i64);
/// A record with its side: the left stream is made of those with `true`.
pub(crate) type Item = (bool, Pair);

/// What happens at a time.
#[derive(Clone, Debug)]
pub(crate) enum Moment {
    /// Time goes on a little, and records come. With early closing they are a batch of that time.
    Items(Vec<Item>),
    /// Time goes on to the next whole second, and the batch of that time closes.
    Boundary,
    /// The job is stopped and started again.
    Restart,
}

/// Moments of some seconds, with `restarts` if that is wanted. They end at a boundary.
pub(crate) fn moments(seconds: usize, restarts: bool) -> impl Strategy<Value = Vec<Moment>> {
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

/// A job under test, with what feeds it.
pub(crate) struct Running {
    job: Job,
    sender: Sender<Item>,
    clock: ManualClock,
    early: bool,
}

impl Running {
    pub(crate) fn start(
        clock: &ManualClock,
        early: bool,
        start: impl FnOnce(ChannelSource<Item>) -> Job,
    ) -> Self {
        let (sender, source) = channel(64);
        Running { job: start(source), sender, clock: clock.clone(), early }
    }

    pub(crate) async fn pass(&mut self, moment: &Moment) {
        let now = self.clock.now().as_nanos();
        let second = secs(1).as_nanos() as u64;
        match moment {
            Moment::Items(items) => {
                self.clock.advance(millis(7));
                self.sender.send_all(items.clone()).await.expect("it runs");
                if self.early {
                    self.sender.flush().await.expect("it runs");
                }
            }
            Moment::Boundary => {
                self.clock.advance(Duration::from_nanos(second - now % second));
                self.job.delivered(self.clock.now()).await.expect("it runs");
            }
            Moment::Restart => unreachable!("who starts jobs starts them again"),
        }
    }

    pub(crate) async fn stop(mut self) {
        self.job.stop().await.expect("it ends well");
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}
