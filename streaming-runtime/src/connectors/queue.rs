//! Batches that are given as batches: for tests and replays, Spark's `queueStream`.

use std::{collections::VecDeque, fmt, vec};

use tokio::sync::mpsc;

use crate::{
    connectors::channel::Unsent,
    contract::{error::ConnectorError, recovery::Recovery, source::Source},
    intake::source_context::SourceContext,
};

/// A source of the given batches, one per batch interval; it ends with the last.
///
/// # After a crash
/// Each record is there once: give the job the same batches again, and it goes on behind those that it had.
///
/// ```
/// use streaming_runtime::connect::queue;
///
/// let source = queue(vec![vec!["a b", "b"], vec![], vec!["c"]]);
/// # let _ = source;
/// ```
pub fn queue<T: Send + 'static>(batches: Vec<Vec<T>>) -> Queue<T> {
    Queue { batches: batches.into_iter() }
}

/// See [`queue()`].
#[derive(Debug)]
pub struct Queue<T> {
    batches: vec::IntoIter<Vec<T>>,
}

impl<T: Send + 'static> Source<T> for Queue<T> {
    const MAY_BLOCK: bool = false;
    const PACED: bool = true;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(mut self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        let mut taken = out.resume_from::<usize>()?.unwrap_or(0);
        self.batches.by_ref().take(taken).for_each(drop);
        while self.batches.len() > 0 && out.batch_due().await.is_some() {
            let records = self.batches.next().expect("one is left");
            out.send_all(records).await?;
            taken += 1;
            out.reached(&taken);
        }
        Ok(())
    }
}

/// A source of batches that the program pushes while the job runs. At most `capacity` wait (at least 1).
///
/// Each batch takes the dataset that has waited longest, or with [`all_at_once`](SharedQueue::all_at_once) all that wait. When none
/// waits, the batch is empty or the [`default`](SharedQueue::default_batch). The source ends when every [`Pusher`] is dropped and
/// every dataset is taken.
///
/// # After a crash
/// What was under way is lost. [`durable`](crate::connect::durable()) keeps what came into the job. Then records that were not in a
/// batch yet come together in the first batch that does not run again, also those of a dataset that was logged in part.
///
/// ```
/// use streaming_runtime::connect::queue;
///
/// let (pusher, source) = queue::shared(16);
/// // give `source.all_at_once()`, say, to a job, then
/// pusher.try_push(vec!["a", "b"]).expect("there is room");
/// drop(pusher); // that was all
/// # drop(source);
/// ```
pub fn shared<T: Send + 'static>(capacity: usize) -> (Pusher<T>, SharedQueue<T>) {
    let (queue, datasets) = mpsc::channel(capacity.max(1));
    (Pusher { queue }, SharedQueue { datasets, one_at_a_time: true, default: None })
}

/// Pushes datasets to a [`shared`] queue; clones push to the same.
pub struct Pusher<T> {
    queue: mpsc::Sender<Vec<T>>,
}

impl<T> Pusher<T> {
    /// Pushes a dataset. Waits while the queue is full.
    ///
    /// # Errors
    /// [`Unsent::Closed`] with the dataset when the job has ended.
    pub async fn push(&self, dataset: Vec<T>) -> Result<(), Unsent<Vec<T>>> {
        self.queue.send(dataset).await.map_err(|error| Unsent::Closed(error.0))
    }
    /// Pushes a dataset if there is room for it now.
    ///
    /// # Errors
    /// [`Unsent`] with the dataset when the queue is full or the job has ended.
    pub fn try_push(&self, dataset: Vec<T>) -> Result<(), Unsent<Vec<T>>> {
        self.queue.try_send(dataset).map_err(Unsent::from)
    }
}

impl<T> Clone for Pusher<T> {
    fn clone(&self) -> Self {
        Pusher { queue: self.queue.clone() }
    }
}

impl<T> fmt::Debug for Pusher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pusher").field("room", &self.queue.capacity()).finish_non_exhaustive()
    }
}

/// See [`shared`].
#[derive(Debug)]
pub struct SharedQueue<T> {
    datasets: mpsc::Receiver<Vec<T>>,
    one_at_a_time: bool,
    default: Option<Vec<T>>,
}

impl<T> SharedQueue<T> {
    /// A batch takes every dataset that waits instead of one.
    pub fn all_at_once(mut self) -> Self {
        self.one_at_a_time = false;
        self
    }
    /// What a batch holds when no dataset waits: nothing by default.
    pub fn default_batch(mut self, records: Vec<T>) -> Self {
        self.default = Some(records);
        self
    }

    /// The datasets of the batch that is due, without those that are pushed meanwhile.
    fn take(&mut self) -> VecDeque<Vec<T>> {
        let waiting = self.datasets.len();
        let wanted = if self.one_at_a_time { waiting.min(1) } else { waiting };
        (0..wanted).map_while(|_| self.datasets.try_recv().ok()).collect()
    }
}

impl<T: Clone + Send + 'static> Source<T> for SharedQueue<T> {
    const MAY_BLOCK: bool = false;
    const PACED: bool = true;

    async fn run(mut self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        // In this order: nothing is pushed after `is_closed`, so what was pushed is seen by the second look.
        while !(self.datasets.is_closed() && self.datasets.is_empty()) && out.batch_due().await.is_some() {
            let ended = self.datasets.is_closed() && self.datasets.is_empty();
            let datasets = self.take();
            if datasets.is_empty() && !ended {
                out.send_all(self.default.clone().unwrap_or_default()).await?;
            }
            for dataset in datasets {
                out.send_all(dataset).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
