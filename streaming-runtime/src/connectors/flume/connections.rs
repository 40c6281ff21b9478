//! Connections in numbers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::{connect::SourceContext, connectors::flume::event::Event};

/// The connections of a listening source in numbers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections(pub(super) Arc<Counters>);

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) open: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) broken: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) full: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) answered: AtomicU64,
    pub(super) failed: AtomicU64,
}

impl Connections {
    /// Open now.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }
    /// Accepted so far.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Relaxed)
    }
    /// Closed at once because there were too many.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
    /// Ended without the peer's clean close: broken, or silent for too long.
    pub fn broken(&self) -> u64 {
        self.0.broken.load(Ordering::Relaxed)
    }
    /// Closed because they sent what is no call of Flume's, or more than a frame may have.
    pub fn malformed(&self) -> u64 {
        self.0.malformed.load(Ordering::Relaxed)
    }
    /// Closed because calls that wait took too much memory.
    pub fn full(&self) -> u64 {
        self.0.full.load(Ordering::Relaxed)
    }
    /// How often accepting one has failed.
    pub fn accept_failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }
    /// Transactions that were answered OK.
    pub fn answered(&self) -> u64 {
        self.0.answered.load(Ordering::Relaxed)
    }
    /// Transactions that were answered FAILED, because they were not durable in time.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Shows them in the job's metrics.
    pub(super) fn show(&self, out: &SourceContext<Event>) {
        type Number = fn(&Connections) -> u64;
        let numbers: [(&'static str, Number); 9] = [
            ("connections_open", |all| all.open() as u64),
            ("connections_accepted", Connections::accepted),
            ("connections_refused", Connections::refused),
            ("connections_broken", Connections::broken),
            ("connections_malformed", Connections::malformed),
            ("connections_full", Connections::full),
            ("accept_failures", Connections::accept_failures),
            ("transactions_answered", Connections::answered),
            ("transactions_failed", Connections::failed),
        ];
        for (event, number) in numbers {
            let all = self.clone();
            out.count(event, move || number(&all));
        }
    }
}

impl Counters {
    /// Counts something; the first time it is worth a warning.
    pub(super) fn add(&self, what: &AtomicU64, warn: impl FnOnce()) {
        if what.fetch_add(1, Ordering::Relaxed) == 0 {
            warn();
        }
    }
}
