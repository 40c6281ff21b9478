//! A source whose records are in the job's log before they count.

use crate::{
    contract::{
        error::ConnectorError,
        source::{Recovery, Source},
        target::Origin,
    },
    intake::source_context::SourceContext,
};

/// A source that cannot send anything twice, made safe against crashes: where the job has
/// [checkpoints](crate::Engine::checkpoint), the engine writes its records to the job's log, and no batch is delivered
/// before its records are there. After a crash they are sent again from the log, so nothing of them is lost or there
/// twice: Spark's write-ahead log. Without checkpoints it is the source as it is.
///
/// A peer that is to hear that its records are safe waits for what a channel's
/// [`send_tracked`](super::Sender::send_tracked) or [`flush`](super::Sender::flush) return: that is after the log.
/// Records that no answer was waited for may be lost with the process, as they may be on their way to it. So are those
/// that wait in the channel or queue of the source itself: the log has what the source has sent into the job. A job that
/// [delivers at once](crate::Checkpoint::deliver_at_once) does not wait for its log, and a receipt does not either.
///
/// A source that [replays](Recovery::Replays), as files do, is left as it is: it needs no log.
///
/// ```
/// use streaming_runtime::connect::{channel, durable, tcp};
///
/// let (sender, orders) = channel::<(u64, i64)>(1024);
/// let orders = durable(orders);
/// let lines = durable(tcp::lines("127.0.0.1:9999"));
/// # let _ = (sender, orders, lines);
/// ```
pub fn durable<S>(source: S) -> Durable<S> {
    Durable(source)
}

/// See [`durable()`].
#[derive(Clone, Debug)]
pub struct Durable<S>(S);

impl<T: Send + 'static, S: Source<T>> Source<T> for Durable<S> {
    const PACED: bool = S::PACED;
    const MAY_BLOCK: bool = S::MAY_BLOCK;
    const DRAINS: bool = S::DRAINS;
    const ACCEPTS: bool = S::ACCEPTS;
    const RECOVERY: Recovery = match S::RECOVERY {
        Recovery::Replays => Recovery::Replays,
        Recovery::Lost | Recovery::JobLog => Recovery::JobLog,
    };

    fn origin(&self) -> Option<Origin> {
        self.0.origin()
    }

    async fn run(self, out: SourceContext<T>) -> Result<(), ConnectorError> {
        self.0.run(out).await
    }
}
