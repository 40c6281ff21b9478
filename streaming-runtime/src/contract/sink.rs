//! The contract of a sink.

use std::future::Future;

use crate::{
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        port_context::PortContext,
        properties::SinkProperties,
        target::Target,
    },
    time::BatchTime,
};

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
    note = "give a connector that takes `{T}`, for instance `console()`, `text_files(..)` or your own `impl Sink<{T}>`",
    note = "`collect()`, `channel_sink(..)` and `view()` return two things, of which the first is the connector: `let (out, collected) = collect();`; a view takes pairs, `(key, value)`"
)]
pub trait Sink<T>: Send + 'static {
    /// What it does with a batch that comes again.
    const DELIVERY: Delivery = Delivery::AtLeastOnce;

    /// Whether its code may block the thread that runs it; see [`Source::MAY_BLOCK`](crate::Source::MAY_BLOCK).
    const MAY_BLOCK: bool = true;

    /// Whether it stores its contents in memory only, so that after a restart the first batch of a stream of changes must contain
    /// everything.
    const REBUILDS: bool = false;

    /// Whether it commits nothing for an empty batch, as a [`Transactional`](Delivery::Transactional) sink may whose transactions cost
    /// much. The last batch that it has [committed](Sink::committed) may then be older than the last that it took. Such a sink must
    /// [mark](Sink::mark_checkpoint) its checkpoint, and say so by [`checkpoint_mark`](Sink::checkpoint_mark) also while it has no
    /// batch: that is how it is told from one that has lost what it had.
    const SKIPS_EMPTY: bool = false;

    /// Whether it shows the last batch, in place of the one before, so that an empty one says something at the end of a
    /// job, too. For the connectors here.
    #[doc(hidden)]
    const SHOWS_LAST: bool = false;

    /// What it writes to, if it must be the only writer. Asked once at the start of a job. The start is refused if another sink of
    /// this job, or of another job of the process, has the same target. By default there is none.
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

    /// The constants above, of this value: what holds another sink says what that says.
    #[doc(hidden)]
    fn properties(&self) -> SinkProperties
    where
        Self: Sized,
    {
        SinkProperties::of::<T, Self>()
    }

    /// The checkpoint that its existing contents belong to, and the last batch in them. Asked at the start of a job with
    /// checkpoints; it may do slow work, such as reading a file. A [`Transactional`](Delivery::Transactional) sink that says `None` is
    /// asked again after [`open`](Sink::open), for what it knows only once it is connected; then it must not wait. The start is refused if the job has another checkpoint, or one that
    /// is older than the contents (deleted, or restored from a copy), because batches would come again.
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
    /// Any reason why it cannot say; the job is not started.
    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        Ok(None)
    }

    /// Records that its contents belong to `checkpoint` from now on. Called before the first [`write`](Sink::write) of a job with
    /// checkpoints. It must be as durable as what is written.
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

    /// Called once, before anything else that waits: the place to connect. A job that has not begun yet may still fail.
    ///
    /// # Errors
    /// Any reason why it cannot work; it ends the job.
    fn open(&mut self, context: &PortContext) -> impl Future<Output = Result<(), ConnectorError>> + Send {
        let _ = context;
        async { Ok(()) }
    }

    /// The last batch that it has committed, for a [`Transactional`](Delivery::Transactional) sink. Asked once, before the first
    /// [`write`](Sink::write) of a job with checkpoints.
    ///
    /// # Errors
    /// Any reason why it cannot say; it ends the job.
    fn committed(&mut self) -> impl Future<Output = Result<Option<BatchTime>, ConnectorError>> + Send {
        async { Ok(None) }
    }

    /// Takes one batch, which may be empty. Batches come in order, the next one after this returned.
    ///
    /// # Errors
    /// Any reason why the batch cannot be delivered; it ends the job.
    fn write(&mut self, batch: Batch<T>) -> impl Future<Output = Result<(), ConnectorError>> + Send;

    /// Called once after the last batch of a job that ended well.
    ///
    /// # Errors
    /// As [`write`](Sink::write).
    fn close(&mut self) -> impl Future<Output = Result<(), ConnectorError>> + Send {
        async { Ok(()) }
    }
}

impl SinkProperties {
    /// Those of a type.
    pub(crate) const fn of<T, S: Sink<T>>() -> Self {
        SinkProperties {
            delivery: S::DELIVERY,
            may_block: S::MAY_BLOCK,
            rebuilds: S::REBUILDS,
            shows_last: S::SHOWS_LAST,
            skips_empty: S::SKIPS_EMPTY,
        }
    }
}
