//! The contract of a source.

use std::future::Future;

use crate::{
    contract::{error::ConnectorError, properties::SourceProperties, recovery::Recovery, target::Origin},
    intake::source_context::SourceContext,
};

/// Where records of type `T` come from.
///
/// ```
/// use streaming_runtime::connect::{ConnectorError, Source, SourceContext};
///
/// /// The numbers below `end`.
/// struct Numbers { end: u64 }
///
/// impl Source<u64> for Numbers {
///     async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
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
    note = "give a connector whose records are `{T}`, for instance `channel(..)`, `tcp::lines(..)` or your own `impl Source<{T}>`",
    note = "`channel(..)` returns `(sender, source)`, of which the second is the connector; a collection is `queue(vec![records])`, an asynchronous stream `from_stream(..)`"
)]
pub trait Source<T>: Send + 'static {
    /// Whether the source waits to be asked for each batch ([`SourceContext::batch_due`]), instead of sending at any time.
    const PACED: bool = false;

    /// Whether the source ends by itself when the job is asked to stop ([`SourceContext::stop_requested`]), because it may hold records that
    /// it has accepted and not yet sent. Other sources are dropped at their next await.
    const DRAINS: bool = false;

    /// Whether the code may block the thread that runs it: by a system call, a lock, a loop without an `await`. If so, it runs on a
    /// thread and in a tokio runtime of its own, and holds up nobody else. `false` is a promise: the source then runs in the
    /// service's runtime, which saves two thread switches per record (about 10 us each). If it blocks all the same, it blocks a thread
    /// of the service.
    const MAY_BLOCK: bool = true;

    /// Whether it takes records from the program and, when a test's clock has reached the time of a batch, hands on
    /// first what it had accepted by then. For the connectors here.
    #[doc(hidden)]
    const ACCEPTS: bool = false;

    /// What happens to its records when a job with checkpoints crashes.
    const RECOVERY: Recovery = Recovery::Lost;

    /// The files that it reads, if it reads files. A job whose sinks would write into them is refused.
    fn origin(&self) -> Option<Origin> {
        None
    }

    /// The constants above, of this value: what holds another source says what that says.
    #[doc(hidden)]
    fn properties(&self) -> SourceProperties
    where
        Self: Sized,
    {
        SourceProperties::of::<T, Self>()
    }

    /// Sends records until there are no more.
    ///
    /// # Errors
    /// Any reason why it cannot go on; it ends the job. [`Closed`](crate::connect::Closed) converts, so `?` works on what `out` returns.
    fn run(self, out: SourceContext<T>) -> impl Future<Output = Result<(), ConnectorError>> + Send;
}

impl SourceProperties {
    /// Those of a type.
    pub(crate) const fn of<T, S: Source<T>>() -> Self {
        SourceProperties {
            paced: S::PACED,
            drains: S::DRAINS,
            may_block: S::MAY_BLOCK,
            accepts: S::ACCEPTS,
            recovery: S::RECOVERY,
        }
    }
}
