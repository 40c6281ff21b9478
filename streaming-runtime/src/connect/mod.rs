//! The contract between the engine and the outside world, and the connectors that fulfil it.
//!
//! ```text
//!            run(outlet)                       one call a batch, in order
//!  Source ----------------> bounded queues --> workers --> Batch { time, records } --> Sink::write
//!   ^  send().await waits when queues are full    |                                        |
//!   +---------------------- back-pressure <-------+---- batches in flight are limited <----+
//! ```
//!
//! - A source is one future on tokio, in a runtime of its own unless it says that it never
//!   [blocks](Source::MAY_BLOCK) its thread. It hands records to its [`Outlet`], which waits while the workers are
//!   behind. What `send` has returned for is in a batch, now or later; nothing is lost but by a crash.
//!   The engine stops a source by dropping that future at an await point, so a source keeps nothing that it
//!   has taken from outside and not sent across an await other than the outlet's; one that must, says
//!   [`DRAINS`](Source::DRAINS) and is asked first.
//! - A source that returns `Ok` has ended; when all have, the engine closes the last batch and the job ends.
//! - A sink gets every batch, the empty ones too, one at a time and in the order of their times. When `write`
//!   returns, the batch counts as delivered and makes room for another in flight.
//! - An error from either ends the job with that error, naming the port, and so does a panic; the service and its
//!   other jobs go on.
//!
//! # What becomes of errors
//!
//! | connector | bad input | what it tries again | what ends the job |
//! |---|---|---|---|
//! | [`tcp::lines`] | long lines skipped, bad UTF-8 replaced, both counted; or an error | connecting: [`Retry`] | a peer away for too long |
//! | [`tcp::listen`] | the same, where an error closes that connection only | accepting | no way to accept |
//! | [`file::lines`] | the same, where an error ends the job | | a file that cannot be read, or is another after a crash |
//! | [`directory::lines`] | the same; an unreadable file skipped and counted | looking, in each batch | a bad glob, too many files, a file that is another when its batch runs again |
//! | [`channel()`], [`queue()`], [`queue::shared`] | none: records come typed | | nothing |
//! | [`from_stream`] | none; items that are `Result`s are parted by [`try_map`](crate::Stream::try_map) | | nothing |
//! | [`try_from_stream`] | the first error ends the job | | that error |
//! | [`restarted`] | as the source in it | making that source: [`Retry`] | what is left after that |
//! | [`console`], [`text_files`] | | | what the system refuses |
//! | [`collect`] | | | more records than its bound |
//! | [`channel_sink`] | | | a receiver that is gone |
//! | [`view()`], [`view_of_changes`] | | | two values of a key, more keys than its bound |
//! | [`into_sink`] | | | the sink's error |
//! | a sink with [`retry`](SinkPolicies::retry) | | writing the batch: [`Retry`] | what is left after that |
//! | a sink with [`timeout`](SinkPolicies::timeout) | | | that, and not being done in time |
//! | a sink with [`or_dead_letter`](SinkPolicies::or_dead_letter) | | writing the batch elsewhere | an error there, or of its close |
//!
//! No sink is limited in time unless [`timeout`](SinkPolicies::timeout) says so: one that hangs holds its job up, until
//! [`Job::stop`](crate::Job::stop) gives up waiting or the job is aborted. Records that make no sense to the pipeline
//! itself are the matter of [`try_map`](crate::Stream::try_map).
//!
//! # After a crash
//!
//! In a job with [checkpoints](crate::Engine::checkpoint) each source is of one kind ([`Recovery`]), and each sink
//! ([`Delivery`]). What is not of a kind that can do its part is refused where
//! [`exactly_once`](crate::Checkpoint::exactly_once) is asked for. Without checkpoints, all that was under way is lost.
//!
//! | source | kind | records after a crash |
//! |---|---|---|
//! | [`file::lines`] | replays | each once: it reads on from its place in the file, which must be the same |
//! | [`directory::lines`] | replays | each once, and those that came in the down time: files have to stay until they are delivered |
//! | [`queue()`] | replays | each once: it is given the same batches again |
//! | [`durable`](durable()) of any below | logged | each that was sent into the job once, from the job's log; what an answer was waited for is there |
//! | [`channel()`], [`queue::shared`] | lost | what was under way is lost: at most once |
//! | [`tcp::lines`], [`tcp::listen`] | lost | the same, and what peers send while nobody listens |
//! | [`from_stream`], [`try_from_stream`] | lost | the same; the stream is a new one |
//! | [`restarted`] | as the source in it | as the source in it |
//! | [`shedding`](shedding()) | logged or lost | of a `durable` source as that; else at most once, as what is dropped is lost anyway |
//! | a source of one's own | its [`RECOVERY`](Source::RECOVERY) | if it replays: it asks [`Outlet::resume_from`], and says what it [`reached`](Outlet::reached) |
//!
//! | sink | kind | batches after a crash |
//! |---|---|---|
//! | `sqlite::append`, `sqlite::upsert`, `sqlite::changes` (feature `sqlite`) | transactional | each once |
//! | [`text_files`] | idempotent | each once: it takes the place of the same batch |
//! | [`view()`], [`view_of_changes`] | idempotent | in memory only, so there is none to double: the new view has all from its first batch on |
//! | [`console`], [`channel_sink`], [`collect`], [`into_sink`] | at least once | the last ones may come twice, with the same times |
//! | a sink with [`retry`](SinkPolicies::retry) or [`timeout`](SinkPolicies::timeout) | as the sink in it | as the sink in it |
//! | a sink with [`or_dead_letter`](SinkPolicies::or_dead_letter) | at least once | the last ones may come twice, here or there |
//! | a sink of one's own | its [`DELIVERY`](Sink::DELIVERY) | batches are told apart by their times |
//!
//! A batch that runs again has the records and the time that it had. A source that gives it other numbers of records ends
//! the job with [`JobError::Replay`](crate::JobError::Replay); one that finds that it cannot give the same, with an error
//! that says so, as [`ConnectorError::Changed`].
//!
//! Invariant: connectors never see a timely type, an epoch number or a worker.

mod blocking;
mod channel;
mod collect;
mod console;
mod cut;
pub mod directory;
mod durable;
mod error;
pub mod file;
mod format;
mod futures;
mod gate;
mod handover;
mod lines;
mod mark;
mod option;
mod outlet;
mod policy;
pub mod queue;
mod receipt;
mod retry;
mod shedding;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod target;
pub mod tcp;
#[cfg(test)]
mod testing;
mod text_files;
pub mod view;

use std::future::Future;

pub use self::futures::{FromStream, IntoSink, TryFromStream, from_stream, into_sink, try_from_stream};
pub use channel::{BatchReceiver, ChannelSink, ChannelSource, Sender, Unsent, channel, channel_sink};
pub use collect::{Collect, Collected, collect};
pub use console::{Console, console};
pub(crate) use cut::Cut;
pub use durable::{Durable, durable};
pub use error::{Closed, ConnectorError};
pub use format::{ByDebug, ByDisplay, Format};
pub use gate::Memory;
pub(crate) use gate::{Gates, Throttle};
pub(crate) use handover::Handover;
pub use lines::{BadLines, OnInvalidUtf8, OnLongLine};
pub use mark::{CheckpointId, CheckpointMark, NoCheckpointId};
pub use outlet::Outlet;
pub(crate) use outlet::{Books, Chunk, Dues, Journal, Lane, PaceRequest, Signal, Way};
pub use policy::{DeadLetters, OrDeadLetter, Restarted, Retried, Retries, SinkPolicies, Timed, restarted};
pub use queue::queue;
pub use receipt::Receipt;
pub use retry::Retry;
pub use shedding::{Shedding, shedding};
pub(crate) use target::Claim;
pub use target::{Origin, Target};
pub use text_files::{TextFiles, text_files};
pub use view::{View, view, view_of_changes};

use crate::time::BatchTime;

/// Where records of type `T` come from.
///
/// ```
/// use streaming_runtime::connect::{ConnectorError, Outlet, Source};
///
/// /// The numbers below `end`.
/// struct Numbers { end: u64 }
///
/// impl Source<u64> for Numbers {
///     async fn run(self, mut out: Outlet<u64>) -> Result<(), ConnectorError> {
///         for n in 0..self.end {
///             out.send(n).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of `{T}`",
    label = "this port was declared as `Source<{T}>`",
    note = "give a connector whose records are `{T}`, for instance `channel()`, `tcp::lines(..)` or your own `impl Source<{T}>`"
)]
pub trait Source<T>: Send + 'static {
    /// Whether the engine asks for each batch ([`Outlet::batch_due`]) instead of taking what comes.
    const PACED: bool = false;

    /// Whether it ends by itself when the job is asked to stop ([`Outlet::stop_requested`]), because it holds
    /// records that it has accepted and not yet sent. Others are dropped at their next await.
    const DRAINS: bool = false;

    /// Whether its code may block the thread that runs it: by a call to the system, a lock, a loop without an `await`. Then it
    /// runs on a thread and in a tokio runtime of its own, and holds up nobody else. `false` is a promise: it runs in the
    /// service's runtime, which saves two changes of threads on the way of a record, some 10 us each; a thread that it blocks
    /// all the same is one of the service's.
    const MAY_BLOCK: bool = true;

    /// Whether it takes records from the program and, when a test's clock has reached the time of a batch, hands on
    /// first what it had accepted by then. For the connectors here.
    #[doc(hidden)]
    const ACCEPTS: bool = false;

    /// What becomes of its records if the job crashes, where there are checkpoints.
    const RECOVERY: Recovery = Recovery::Lost;

    /// Which files it reads, for a source that reads files: a job is refused whose sinks would write into them.
    fn origin(&self) -> Option<Origin> {
        None
    }

    /// Sends records until there are no more.
    ///
    /// # Errors
    /// Whatever keeps it from going on; it ends the job. [`Closed`] from the outlet converts: a source
    /// can always use `?` on it.
    fn run(self, out: Outlet<T>) -> impl Future<Output = Result<(), ConnectorError>> + Send;
}

/// What becomes of a source's records when the job crashes ([`Engine::checkpoint`](crate::Engine::checkpoint)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// What was under way is lost: at most once.
    Lost,
    /// The source sends the same records in the same order again, from the position that it is given: it asks
    /// [`Outlet::resume_from`] where to begin and tells [`Outlet::reached`] how far it is. Without a position it
    /// begins at its beginning. The engine cuts what comes into batches as it was cut before, by number; a
    /// [paced](Source::PACED) source has to give each batch what it had, and may ask what that was
    /// ([`Outlet::again`]). It is asked only for those for which it was asked before.
    Replays,
    /// The engine writes the records to the job's log before their batch counts, and sends them again itself: what
    /// [`durable`](durable()) makes of any source.
    Logged,
}

/// What a sink makes of a batch that comes again after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is there twice.
    AtLeastOnce,
    /// It takes the place of the one that was there: batches are told apart by their times.
    Idempotent,
    /// It says which batch it [has for good](Sink::committed), and gets none twice.
    Transactional,
}

/// The records of one batch on their way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// When the batch closed; it names the batch.
    pub time: BatchTime,
    /// Its records: in order of arrival with one worker, worker by worker with several.
    pub records: Vec<T>,
}

/// Where records of type `T` go.
///
/// ```
/// use streaming_runtime::connect::{Batch, ConnectorError, Sink};
///
/// /// Adds everything up.
/// struct Total(i64);
///
/// impl Sink<i64> for Total {
///     async fn write(&mut self, batch: Batch<i64>) -> Result<(), ConnectorError> {
///         self.0 += batch.records.iter().sum::<i64>();
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sink for `{T}`",
    label = "this port was declared as `Sink<{T}>`",
    note = "give a connector that takes `{T}`, for instance `console()`, `collect()` or your own `impl Sink<{T}>`"
)]
pub trait Sink<T>: Send + 'static {
    /// What it makes of a batch that comes again.
    const DELIVERY: Delivery = Delivery::AtLeastOnce;

    /// Whether its code may block the thread that runs it, as [`Source::MAY_BLOCK`].
    const MAY_BLOCK: bool = true;

    /// Whether it keeps what it shows in memory only, and of a stream of changes needs all that there is when a job
    /// goes on from a checkpoint: as the changes of its first batch.
    const REBUILDS: bool = false;

    /// Whether it shows the last batch, in place of the one before, so that an empty one says something at the end of a
    /// job, too. For the connectors here.
    #[doc(hidden)]
    const SHOWS_LAST: bool = false;

    /// What it writes to, for a sink that must be the only one there: asked once when a job starts, which is refused if
    /// another sink of it, or of another job of the process, has the same. None by default: nothing is known of it.
    ///
    /// ```
    /// use streaming_runtime::connect::{Batch, ConnectorError, Sink, Target};
    ///
    /// /// Writes a number to a file, in place of the one before.
    /// struct Latest(&'static str);
    ///
    /// impl Sink<u64> for Latest {
    ///     fn targets(&self) -> Vec<Target> {
    ///         vec![Target::file(self.0)]
    ///     }
    ///     async fn write(&mut self, batch: Batch<u64>) -> Result<(), ConnectorError> {
    ///         let Some(latest) = batch.records.last() else { return Ok(()) };
    ///         let written = tokio::fs::write(self.0, latest.to_string()).await;
    ///         written.map_err(|error| ConnectorError::io(format!("write `{}`", self.0), error))
    ///     }
    /// }
    /// ```
    fn targets(&self) -> Vec<Target> {
        Vec::new()
    }

    /// To which checkpoint belongs what it has from before, and how far that goes: asked once when a job with checkpoints
    /// starts, which is refused if it has another checkpoint, or one that knows less than the sink has. For a sink to
    /// which a batch may come again, by a checkpoint that is gone or was brought back from a copy. It may take its
    /// time, as reading a file does.
    ///
    /// ```
    /// use streaming_runtime::connect::{Batch, CheckpointId, CheckpointMark, ConnectorError, Delivery, Sink};
    ///
    /// /// Files by the times of their batches, in a directory.
    /// struct Files(std::path::PathBuf);
    ///
    /// impl Files {
    ///     fn mark(&self) -> std::path::PathBuf {
    ///         self.0.join("checkpoint")
    ///     }
    /// }
    ///
    /// impl Sink<u64> for Files {
    ///     const DELIVERY: Delivery = Delivery::Idempotent;
    ///
    ///     fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
    ///         let Ok(text) = std::fs::read_to_string(self.mark()) else { return Ok(None) };
    ///         let checkpoint = text.parse().map_err(ConnectorError::other)?;
    ///         let names = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
    ///         let times = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ///         let last = times.max().map(streaming_runtime::BatchTime::from_nanos);
    ///         Ok(Some(CheckpointMark { checkpoint, last }))
    ///     }
    ///
    ///     async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
    ///         let written = tokio::fs::write(self.mark(), checkpoint.to_string()).await;
    ///         written.map_err(|error| ConnectorError::io("write the mark", error))
    ///     }
    ///
    ///     async fn write(&mut self, batch: Batch<u64>) -> Result<(), ConnectorError> {
    ///         let path = self.0.join(batch.time.as_nanos().to_string());
    ///         let written = tokio::fs::write(&path, format!("{:?}", batch.records)).await;
    ///         written.map_err(|error| ConnectorError::io("write a batch", error))
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Whatever keeps it from knowing; the job is not started.
    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        Ok(None)
    }

    /// From now on what it has belongs to `checkpoint`. Called before the first [`write`](Sink::write) of a job with
    /// checkpoints, and then it must be as durable as what is written.
    ///
    /// # Errors
    /// As [`write`](Sink::write).
    fn mark_checkpoint(
        &mut self,
        checkpoint: CheckpointId,
    ) -> impl Future<Output = Result<(), ConnectorError>> + Send {
        let _ = checkpoint;
        async { Ok(()) }
    }

    /// The last batch that it has for good, asked once before the first [`write`](Sink::write) of a job with
    /// checkpoints, of a sink that is [`Transactional`](Delivery::Transactional).
    ///
    /// # Errors
    /// Whatever keeps it from knowing; it ends the job.
    fn committed(&mut self) -> impl Future<Output = Result<Option<BatchTime>, ConnectorError>> + Send {
        async { Ok(None) }
    }

    /// Takes one batch, also an empty one. Batches come in order, the next only after this returned.
    ///
    /// # Errors
    /// Whatever keeps the batch from being delivered; it ends the job.
    fn write(&mut self, batch: Batch<T>) -> impl Future<Output = Result<(), ConnectorError>> + Send;

    /// Called once after the last batch of a job that ended well.
    ///
    /// # Errors
    /// As [`write`](Sink::write).
    fn close(&mut self) -> impl Future<Output = Result<(), ConnectorError>> + Send {
        async { Ok(()) }
    }
}
