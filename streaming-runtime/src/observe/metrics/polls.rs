//! Whether a connector holds up its thread.

use std::{
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    time::{Duration, Instant},
};

/// How long a poll may take before it counts as blocking its thread. Normal polls take microseconds.
const BLOCKS: Duration = Duration::from_secs(1);

/// The poll of a connector's task that has not returned, if one has not.
pub(crate) struct Polls {
    /// Whether the task has a thread of its own.
    pub(crate) is_alone: bool,
    origin: Instant,
    /// When it began, in nanoseconds from the origin; 0 if there is none.
    since: AtomicU64,
    was_told: AtomicBool,
}

impl Polls {
    pub(crate) fn new(is_alone: bool) -> Self {
        let (since, was_told) = Default::default();
        Polls { is_alone, origin: Instant::now(), since, was_told }
    }

    /// Polls a task, and notes the poll.
    pub(crate) fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        struct Polled<'a>(&'a Polls);
        impl Drop for Polled<'_> {
            fn drop(&mut self) {
                self.0.since.store(0, Release);
            }
        }
        self.since.store(self.origin.elapsed().as_nanos() as u64 | 1, Release);
        let _polled = Polled(self);
        poll()
    }

    /// How long the poll has been running that runs now.
    pub(crate) fn running(&self) -> Option<Duration> {
        let since = self.since.load(Acquire);
        (since > 0).then(|| self.origin.elapsed().saturating_sub(Duration::from_nanos(since)))
    }

    /// How long the task has blocked its thread, if it has.
    pub(crate) fn blocked(&self) -> Option<Duration> {
        self.running().filter(|running| *running >= BLOCKS)
    }

    /// Whether this is the first call, so that it is reported once.
    pub(crate) fn tell(&self) -> bool {
        !self.was_told.swap(true, Relaxed)
    }
}
