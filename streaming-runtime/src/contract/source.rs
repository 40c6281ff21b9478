//! The contract of a source.

use std::future::Future;

use crate::{
    contract::{error::ConnectorError, target::Origin},
    intake::source_context::SourceContext,
};

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
    /// Whether the engine asks for each batch ([`SourceContext::batch_due`]) instead of taking what comes.
    const PACED: bool = false;

    /// Whether it ends by itself when the job is asked to stop ([`SourceContext::stop_requested`]), because it holds
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
    fn run(self, out: SourceContext<T>) -> impl Future<Output = Result<(), ConnectorError>> + Send;
}

/// What becomes of a source's records when the job crashes ([`Engine::checkpoint`](crate::Engine::checkpoint)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// What was under way is lost: at most once.
    Lost,
    /// The source sends the same records in the same order again, from the position that it is given: it asks
    /// [`SourceContext::resume_from`] where to begin and tells [`SourceContext::reached`] how far it is. Without a position it
    /// begins at its beginning. The engine cuts what comes into batches as it was cut before, by number; a
    /// [paced](Source::PACED) source has to give each batch what it had, and may ask what that was
    /// ([`SourceContext::again`]). It is asked only for those for which it was asked before.
    Replays,
    /// The engine writes the records to the job's log before their batch counts, and sends them again itself: what
    /// [`durable`](durable()) makes of any source.
    JobLog,
}
