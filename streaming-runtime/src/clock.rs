//! Stream time: the system's, or that of a test.
//!
//! There are three kinds of time:
//!
//! | time | what it is |
//! |---|---|
//! | stream time | names batches. It never goes back, and runs as a monotonic clock does |
//! | the system's clock | may be set, and goes on while the machine is suspended, when monotonic clocks stand still |
//! | times of files | the system's clock when they were written, or whatever they were set to |
//!
//! A job begins at the system's time, or behind the last batch of its checkpoint if that is later. Within a second, and
//! before each batch, the two are compared:
//!
//! - The system's clock is ahead by up to a month: stream time follows it, and batches are due for the time in between, as after an
//!   absence.
//! - It is ahead by more, or it is behind because it was set: stream time goes on as before. The difference is logged, is in
//!   [`JobMetrics::clock`](crate::metrics::JobMetrics) and in [`Job::explain`](crate::Job::explain), and is added to the times of files before
//!   they are compared with batches. It ends when the system's clock is set so that they meet.

mod system;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::watch;

pub(crate) use system::ReadTime;
use system::SystemClock;

use crate::time::{BatchTime, TimeSpan, nanos};

/// Stream time for tests: it starts at 0, and moves only when [`advance`](ManualClock::advance) is called.
///
/// It makes tests deterministic, with any runtime and any number of workers: what a [`Sender`](crate::connect::Sender) has accepted
/// before the clock moves is in the batch that closes then, or in one that closed early before. So a test sends, advances the clock,
/// waits for [`Job::delivered`](crate::Job::delivered), and looks at the outputs.
///
/// - Records that a limit holds back, such as [`Engine::max_rate`](crate::Engine::max_rate), are not waited for.
/// - Records that are sent after the clock has moved are in the next batch for certain only after `delivered` has returned.
/// - [`stop`](crate::Job::stop) first closes all batches that are due by the clock.
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
    /// Of a job's own copy: what it said when the job was started, and by how much the copy is ahead.
    started: u64,
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
        ManualClock { now: watch::Sender::new(0), started: 0, ahead: Arc::default() }
    }
    /// Moves time on. Soon after, every batch whose boundary is reached closes, one after the other;
    /// [`Job::delivered`](crate::Job::delivered) waits for that.
    pub fn advance(&self, by: impl TimeSpan) {
        let by = by.duration();
        self.now.send_modify(|now| *now = now.saturating_add(nanos(by)));
    }
    /// The time now.
    pub fn now(&self) -> BatchTime {
        BatchTime::from_nanos(self.now.borrow().saturating_add(self.ahead.load(Relaxed)))
    }

    /// The same clock, for one job.
    pub(crate) fn of_job(&self) -> Self {
        ManualClock { now: self.now.clone(), started: *self.now.borrow(), ahead: Arc::default() }
    }
}

/// How long a wait is at most, before the system's clock is looked at again.
const LOOK: Duration = Duration::from_secs(1);

/// Where a job takes its time from. Clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    System(Arc<SystemClock>),
    Manual(ManualClock),
}

impl Clock {
    /// By the system's clock, as `read` says it.
    pub(crate) fn system(read: ReadTime) -> Self {
        Clock::System(Arc::new(SystemClock::new(read)))
    }

    pub(crate) fn now(&self) -> BatchTime {
        match self {
            Clock::System(clock) => clock.now(),
            Clock::Manual(clock) => clock.now(),
        }
    }

    /// Whether it is a test's own, which stands still while something is under way.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self, Clock::Manual(_))
    }

    /// Stream time less the system's, in nanoseconds, as of the last time that somebody waited or [looked](Clock::look).
    pub(crate) fn offset(&self) -> i64 {
        match self {
            Clock::System(clock) => clock.offset(),
            Clock::Manual(_) => 0,
        }
    }

    /// As [`offset`](Clock::offset), now; none of a test's own clock.
    pub(crate) fn look(&self) -> Option<i64> {
        let Clock::System(clock) = self else { return None };
        clock.look();
        Some(clock.offset())
    }

    /// Goes on from `time`, if it is not there yet. A test's own is where the test wants it.
    pub(crate) fn not_before(&self, time: BatchTime) {
        if let Clock::System(clock) = self {
            clock.not_before(time);
        }
    }

    /// For a test's own clock: has gone on from `time` since the job was started, if it was not there yet, so that a test
    /// that moves it by an interval gets a batch. It is the job's copy that moves.
    pub(crate) fn resume_from(&self, time: BatchTime) {
        if let Clock::Manual(clock) = self {
            // The test may have moved it since.
            clock.ahead.fetch_max(time.as_nanos().saturating_sub(clock.started), Relaxed);
        }
    }

    pub(crate) async fn sleep_until(&self, time: BatchTime) {
        match self {
            Clock::System(clock) => loop {
                clock.look();
                let left = clock.left(time);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK)).await;
            },
            Clock::Manual(ManualClock { now, ahead, .. }) => {
                let is_due = |now: &u64| now.saturating_add(ahead.load(Relaxed)) >= time.as_nanos();
                let waited = now.subscribe().wait_for(is_due).await.map(|_| ());
                waited.expect("the clock holds the sender");
            }
        }
    }
}
