//! Batches in memory, for tests and small results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::contract::{
    error::ConnectorError,
    sink::{Batch, Sink},
};

/// A sink that keeps every batch in memory, and a handle that reads them, while the job runs and after it.
///
/// Memory grows with what arrives; the default bound of 1,000,000 records catches mistakes. After a crash it is empty.
///
/// ```
/// use streaming_runtime::connect::{Batch, ConnectorError, Sink, collect};
/// use streaming_runtime::BatchTime;
///
/// # async fn example() -> Result<(), ConnectorError> {
/// let (mut sink, collected) = collect();
/// sink.write(Batch { time: BatchTime::from_millis(1000), records: vec![1, 2] }).await?; // the engine does this
/// assert_eq!(collected.records(), [1, 2]);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(example()).expect("room");
/// ```
///
/// # Errors
/// [`ConnectorError::LimitExceeded`] at the batch that would exceed the bound, which ends the job; what was collected
/// stays readable.
pub fn collect<T: Send + 'static>() -> (Collect<T>, Collected<T>) {
    let shared = Arc::new(CollectedState { state: Mutex::new(State::default()), changed: Notify::new() });
    (Collect { shared: shared.clone(), limit: 1_000_000 }, Collected { shared })
}

/// The sink of [`collect`].
#[derive(Debug)]
pub struct Collect<T> {
    shared: Arc<CollectedState<T>>,
    limit: usize,
}

/// What a [`collect`] has taken so far. Clones read the same.
#[derive(Debug)]
pub struct Collected<T> {
    shared: Arc<CollectedState<T>>,
}

#[derive(Debug)]
struct CollectedState<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    batches: Vec<Batch<T>>,
    records: usize,
    /// The sink is gone, so nothing will change.
    ended: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        State { batches: Vec::new(), records: 0, ended: false }
    }
}

impl<T> CollectedState<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // A reader's panic leaves the batches whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Collect<T> {
    /// Bounds the records of all batches together: 1,000,000 by default.
    pub fn limit(mut self, records: usize) -> Self {
        self.limit = records;
        self
    }
}

impl<T: Send + 'static> Sink<T> for Collect<T> {
    const MAY_BLOCK: bool = false;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let mut state = self.shared.state();
        let records = state.records + batch.records.len();
        if records > self.limit {
            let what = "collect(): records in memory, see `.limit(..)`".to_owned();
            return Err(ConnectorError::LimitExceeded { what, limit: self.limit });
        }
        state.records = records;
        state.batches.push(batch);
        drop(state);
        self.shared.changed.notify_waiters();
        Ok(())
    }
}

impl<T> Drop for Collect<T> {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.changed.notify_waiters();
    }
}

impl<T> Collected<T> {
    /// Waits until `enough` holds for the batches so far, and says whether it does: `false` when the job
    /// ended before.
    pub async fn wait_until(&self, enough: impl Fn(&[Batch<T>]) -> bool) -> bool {
        loop {
            // Before the look: of what changes after this line, it will know.
            let changed = self.shared.changed.notified();
            {
                let state = self.shared.state();
                let holds = enough(&state.batches);
                if holds || state.ended {
                    return holds;
                }
            }
            changed.await;
        }
    }
    /// The number of batches so far.
    pub fn len(&self) -> usize {
        self.shared.state().batches.len()
    }
    /// Whether no batch has come yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Clone> Collected<T> {
    /// The batches so far, in order.
    pub fn batches(&self) -> Vec<Batch<T>> {
        self.shared.state().batches.clone()
    }
    /// The records of all batches so far, in order.
    pub fn records(&self) -> Vec<T> {
        self.shared.state().batches.iter().flat_map(|batch| batch.records.iter().cloned()).collect()
    }
}

impl<T> Clone for Collected<T> {
    fn clone(&self) -> Self {
        Collected { shared: self.shared.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::BatchTime;

    fn batch(millis: u64, records: Vec<u32>) -> Batch<u32> {
        Batch { time: BatchTime::from_millis(millis), records }
    }

    #[tokio::test]
    async fn batches_are_readable_during_and_after() {
        let (mut sink, collected) = collect();
        assert!(collected.is_empty());
        let reader = collected.clone();
        let waiting = tokio::spawn(async move { reader.wait_until(|batches| batches.len() == 2).await });
        sink.write(batch(1, vec![1, 2])).await.expect("room");
        sink.write(batch(2, vec![])).await.expect("room");
        assert!(waiting.await.expect("no panic"));
        drop(sink);
        assert_eq!(collected.batches(), [batch(1, vec![1, 2]), batch(2, vec![])]);
        assert_eq!(collected.records(), [1, 2]);
        assert!(!collected.wait_until(|batches| batches.len() == 3).await, "the job has ended");
    }

    #[tokio::test]
    async fn the_bound_is_an_error_that_says_so() {
        let (sink, collected) = collect();
        let mut sink = sink.limit(3);
        sink.write(batch(1, vec![1, 2])).await.expect("room");
        let error = sink.write(batch(2, vec![3, 4])).await.expect_err("one too many");
        assert_eq!(error.to_string(), "collect(): records in memory, see `.limit(..)`: more than 3");
        assert_eq!(collected.records(), [1, 2]);
        sink.write(batch(3, vec![5])).await.expect("exactly the bound");
    }
}
