//! How many records `skip` has dropped, by operator.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::ids::OpId;

/// The counts of one job. Its workers and its handle share them.
#[derive(Default)]
pub(crate) struct SkipCounters(Mutex<Vec<Arc<Counter>>>);

/// The count of one operator.
pub(crate) struct Counter {
    id: OpId,
    records: AtomicU64,
}

impl SkipCounters {
    /// The count of an operator, the same for all workers.
    pub(crate) fn counter(&self, id: OpId) -> Arc<Counter> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = counters.iter().find(|counter| counter.id == id) {
            return known.clone();
        }
        let new = Arc::new(Counter { id, records: AtomicU64::new(0) });
        counters.push(new.clone());
        new
    }

    /// Each operator's count so far, in the order of the program.
    pub(crate) fn totals(&self) -> Vec<(&'static str, u64)> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters.iter().map(|counter| (counter.id.0, counter.records.load(Ordering::Relaxed))).collect()
    }
}

impl Counter {
    pub(crate) fn add(&self, records: u64) {
        if self.records.fetch_add(records, Ordering::Relaxed) == 0 {
            tracing::warn!(operator = self.id.0, "a record is skipped; later ones are only counted");
        }
    }
}
