//! What happens after an error: policies for any sink, and for any source that can be made again.
//!
//! ```text
//!  batch -> or_dead_letter -> retry -> timeout -> the sink     each one gets the errors that the one inside of it passes on
//! ```

mod dead_letter;
mod restarted;
mod retried;
mod timed;

use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use dead_letter::{DeadLetters, OrDeadLetter};
pub use restarted::{Restarted, restarted};
pub use retried::Retried;
pub use timed::Timed;

use crate::contract::{error::ConnectorError, retry::Retry, sink::Sink};

/// Policies for sinks. Without any, an error of a sink ends the job, and a batch may take any time.
///
/// They wrap each other. The first in the chain is the innermost:
///
/// ```no_run
/// use streaming_runtime::{connect::{Retry, tcp, text_files}, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     fn copy<lines: Source<String>, out: Sink<String>>() {
///         lines.to(out);
///     }
/// );
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let out = text_files("/net/share/lines") // may be away for a while
///     .timeout(secs(10)) // each attempt
///     .retry(Retry::default()) // ten of them
///     .or_dead_letter(text_files("/var/spool/lines")); // then this batch goes elsewhere
/// let mut job = Engine::new().start(copy::Ports { lines: tcp::lines("10.0.0.7:9999"), out })?;
/// job.join().await?;
/// # Ok(()) }
/// ```
pub trait SinkPolicies<T>: Sink<T> + Sized {
    /// Writes a batch again after an error that [may pass](ConnectorError::may_pass), with growing waits and a bounded number of
    /// attempts. Meanwhile the batch is in flight, so at the engine's limit the job waits. Cost: a copy of each batch.
    ///
    /// A sink that failed half-way gets the whole batch again. What it had written is then there twice, unless the sink identifies
    /// batches by their times, as [`text_files`](crate::connect::text_files()) does.
    ///
    /// # Errors
    /// [`ConnectorError::GaveUp`] with the last error and the number of attempts. An error that does not pass is returned at once,
    /// as it is.
    ///
    /// ```
    /// use streaming_runtime::{BatchTime, connect::{Batch, ConnectorError, Retry, Sink, SinkPolicies}, millis};
    ///
    /// /// Takes every third batch that it is given.
    /// #[derive(Default)]
    /// struct Moody { asked: u32 }
    /// impl Sink<u64> for Moody {
    ///     async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
    ///         self.asked += 1;
    ///         if self.asked.is_multiple_of(3) { Ok(()) } else { Err(ConnectorError::other("not now")) }
    ///     }
    /// }
    ///
    /// # async fn example() -> Result<(), ConnectorError> {
    /// let waits = Retry::default().waits(millis(1), millis(2));
    /// let batch = Batch { time: BatchTime::from_millis(1000), records: vec![1, 2] };
    /// Moody::default().retry(waits.attempts(3)).write(batch.clone()).await?; // the engine does this
    /// let error = Moody::default().retry(waits.attempts(2)).write(batch).await.expect_err("one too few");
    /// assert_eq!(error.to_string(), "gave up after 2 attempts, the last failed with: not now");
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(example()).expect("taken");
    /// ```
    fn retry(self, retry: Retry) -> Retried<Self, T>
    where
        T: Clone,
    {
        Retried { sink: self, retry, retries: Retries::default(), types: PhantomData }
    }

    /// Limits how long the sink may take for a batch, and for its close. After that its future is dropped, and the error is
    /// [`ConnectorError::TimedOut`]. Without a limit the job waits; a graceful stop gives up after its own limit.
    ///
    /// A sink that was interrupted may have written a part of the batch. A sink that blocks its thread cannot be interrupted. The
    /// sinks of this crate do blocking work on tokio's blocking threads, where it continues until the system answers.
    ///
    /// ```
    /// use streaming_runtime::{BatchTime, connect::{Batch, ConnectorError, Sink, SinkPolicies}, millis};
    ///
    /// struct Stuck;
    /// impl Sink<u64> for Stuck {
    ///     async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
    ///         std::future::pending().await
    ///     }
    /// }
    ///
    /// # async fn example() {
    /// let batch = Batch { time: BatchTime::from_millis(1000), records: vec![1, 2] };
    /// let error = Stuck.timeout(millis(5)).write(batch).await.expect_err("it never returns");
    /// assert_eq!(error.to_string(), "not done within 5ms");
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(example());
    /// ```
    fn timeout(self, limit: Duration) -> Timed<Self, T> {
        Timed { sink: self, limit, types: PhantomData }
    }

    /// Sends a batch that the sink refuses to `other` instead, whole, and goes on. Refused batches are counted
    /// ([`OrDeadLetter::dead_letters`]) and logged with their error. An error of `other` ends the job, and so does a panic of either.
    /// Cost: a copy of each batch.
    ///
    /// `other` gets only refused batches, which may be empty. What the sink had written of a batch before it failed stays written.
    /// Behind [`retry`](SinkPolicies::retry), a batch is refused when all attempts have failed.
    ///
    /// ```
    /// use streaming_runtime::{BatchTime, connect::{Batch, ConnectorError, Sink, SinkPolicies, collect}};
    ///
    /// /// Takes no negative numbers.
    /// struct Picky;
    /// impl Sink<i64> for Picky {
    ///     async fn write(&mut self, batch: Batch<i64>) -> Result<(), ConnectorError> {
    ///         match batch.records.iter().any(|n| *n < 0) {
    ///             true => Err(ConnectorError::other("a negative number")),
    ///             false => Ok(()),
    ///         }
    ///     }
    /// }
    ///
    /// # async fn example() -> Result<(), ConnectorError> {
    /// let (other, refused) = collect();
    /// let mut sink = Picky.or_dead_letter(other);
    /// let dead_letters = sink.dead_letters(); // keep it, then give the sink to a job
    /// sink.write(Batch { time: BatchTime::from_millis(1000), records: vec![1, 2] }).await?;
    /// sink.write(Batch { time: BatchTime::from_millis(2000), records: vec![3, -4] }).await?;
    /// assert_eq!(refused.records(), [3, -4]);
    /// assert_eq!((dead_letters.batches(), dead_letters.records()), (1, 2));
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(example()).expect("taken");
    /// ```
    fn or_dead_letter<D: Sink<T>>(self, other: D) -> OrDeadLetter<Self, D, T>
    where
        T: Clone,
    {
        OrDeadLetter { sink: self, other, counts: DeadLetters::default(), types: PhantomData }
    }
}

impl<T, S: Sink<T>> SinkPolicies<T> for S {}

/// How many times something was tried again. Clones share the count; read it at any time.
#[derive(Clone, Debug, Default)]
pub struct Retries(Arc<AtomicU64>);

impl Retries {
    /// The number so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, error: &ConnectorError) {
        self.0.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(code = error.code(), %error, "trying again");
    }
}
