//! Stream time: the system's, or a test's own.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::time::{BatchTime, deadline, nanos};

/// Stream time that moves only when it is told to, for tests. It starts at 0.
///
/// ```
/// use streaming_runtime::{ManualClock, prelude::*};
///
/// let clock = ManualClock::new();
/// clock.advance(secs(3));
/// assert_eq!(clock.now().as_millis(), 3000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(watch::Sender<u64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that stands at 0.
    pub fn new() -> Self {
        ManualClock(watch::Sender::new(0))
    }
    /// Moves time on. Every batch whose boundary is reached closes, one after the other, soon after;
    /// [`Job::delivered`](crate::Job::delivered) waits for that.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.saturating_add(nanos(by)));
    }
    /// The time now.
    pub fn now(&self) -> BatchTime {
        BatchTime::from_nanos(*self.0.borrow())
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

    pub(crate) async fn sleep_until(&self, time: BatchTime) {
        match self {
            Clock::System { started, at } => {
                let left = Duration::from_nanos(time.as_nanos().saturating_sub(*at));
                let due = started.checked_add(left).map_or_else(|| deadline(left), Into::into);
                tokio::time::sleep_until(due).await;
            }
            Clock::Manual(ManualClock(now)) => {
                let waited = now.subscribe().wait_for(|now| *now >= time.as_nanos()).await.map(|_| ());
                waited.expect("the clock holds the sender");
            }
        }
    }
}
