//! Stream time: the system's, or a test's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

use crate::time::{BatchTime, deadline, nanos};

/// Stream time that moves only when it is told to, for tests. It starts at 0.
///
/// With it a test is certain, with any runtime and any number of workers: what a [`Sender`](crate::connect::Sender) has
/// accepted before the clock moves is in the batch that closes then, or in one that closed early before. So: send,
/// advance, wait for [`Job::delivered`](crate::Job::delivered), look at the outputs. (What a limit holds back, as
/// [`Engine::max_rate`](crate::Engine::max_rate) does, is not waited for. What is sent after the clock has moved belongs to
/// the next batch for certain only if `delivered` was waited for first.) A [`stop`](crate::Job::stop) closes all batches that
/// are due by the clock before.
///
/// ```
/// use streaming_runtime::{ManualClock, connect::{channel, view}, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     fn sums<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
///         orders.window(secs(10), secs(1)).reduce_by_key(|a, b| a + b).to(out);
///     }
/// );
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let (clock, (sender, orders), (out, sums)) = (ManualClock::new(), channel(16), view());
///     let mut job = Engine::new().workers(2).manual_clock(&clock).start(sums::Ports { orders, out })?;
///     for n in 1..=5 {
///         sender.send((7, 100)).await?;
///         clock.advance(secs(1));
///         job.delivered(clock.now()).await?;
///         assert_eq!(sums.get(&7), Some(100 * n));
///     }
///     job.stop().await?;
///     Ok(())
/// }
/// ```
///
/// ```
/// use streaming_runtime::{ManualClock, prelude::*};
///
/// let clock = ManualClock::new();
/// clock.advance(secs(3));
/// assert_eq!(clock.now().as_millis(), 3000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: watch::Sender<u64>,
    /// By how much a job's own copy is ahead of it.
    ahead: Arc<AtomicU64>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that stands at 0.
    pub fn new() -> Self {
        ManualClock { now: watch::Sender::new(0), ahead: Arc::default() }
    }
    /// Moves time on. Every batch whose boundary is reached closes, one after the other, soon after;
    /// [`Job::delivered`](crate::Job::delivered) waits for that.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.saturating_add(nanos(by)));
    }
    /// The time now.
    pub fn now(&self) -> BatchTime {
        BatchTime::from_nanos(self.now.borrow().saturating_add(self.ahead.load(Relaxed)))
    }

    /// The same clock, for one job.
    pub(crate) fn of_job(&self) -> Self {
        ManualClock { now: self.now.clone(), ahead: Arc::default() }
    }
}

/// Where a job takes its time from.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The system's time when the job started, and a monotonic clock from there on: a stream's time never
    /// goes back.
    System {
        started: Instant,
        at: u64,
    },
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn system() -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock::System { started: Instant::now(), at: nanos(at) }
    }

    pub(crate) fn now(&self) -> BatchTime {
        match self {
            Clock::System { started, at } => BatchTime::from_nanos(*at) + started.elapsed(),
            Clock::Manual(clock) => clock.now(),
        }
    }

    /// Whether it is a test's own, which stands still while something is under way.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self, Clock::Manual(_))
    }

    /// Goes on from `time`, if it is not there yet: a test that moves its clock by an interval gets a batch.
    pub(crate) fn go_on_from(&self, time: BatchTime) {
        if let Clock::Manual(clock) = self {
            let lacks = time.as_nanos().saturating_sub(clock.now().as_nanos());
            clock.ahead.fetch_add(lacks, Relaxed);
        }
    }

    pub(crate) async fn sleep_until(&self, time: BatchTime) {
        match self {
            Clock::System { started, at } => {
                let left = Duration::from_nanos(time.as_nanos().saturating_sub(*at));
                let due = started.checked_add(left).map_or_else(|| deadline(left), Into::into);
                tokio::time::sleep_until(due).await;
            }
            Clock::Manual(ManualClock { now, ahead }) => {
                let is_due = |now: &u64| now.saturating_add(ahead.load(Relaxed)) >= time.as_nanos();
                let waited = now.subscribe().wait_for(is_due).await.map(|_| ());
                waited.expect("the clock holds the sender");
            }
        }
    }
}
