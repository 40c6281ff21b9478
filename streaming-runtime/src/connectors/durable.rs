//! A source whose records are logged before their batch is delivered.

use crate::{
    contract::{
        error::ConnectorError, properties::SourceProperties, recovery::Recovery, source::Source,
        target::Origin,
    },
    intake::source_context::SourceContext,
};

/// Makes a source crash-safe that cannot send anything twice: Spark's write-ahead log. In a job with
/// [checkpoints](crate::Engine::checkpoint), the engine writes the source's records to the job's log, and delivers no batch before
/// its records are there. After a crash the records are sent again from the log, so none is lost or doubled. Without checkpoints it
/// does nothing.
///
/// To tell a peer that its records are safe, wait for [`send_tracked`](crate::connect::Sender::send_tracked)'s receipt or for
/// [`flush`](crate::connect::Sender::flush): both are after the log. Records without a receipt may be lost with the process, and so are
/// those that still wait in the channel or queue of the source. With
/// [`deliver_at_once`](crate::Checkpoint::deliver_at_once), neither batches nor receipts wait for the log.
///
/// A source that [replays](Recovery::Replays), such as a file, needs no log and is left as it is.
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
    const RECOVERY: Recovery = recovery(S::RECOVERY);

    fn origin(&self) -> Option<Origin> {
        self.0.origin()
    }

    fn properties(&self) -> SourceProperties {
        let source = self.0.properties();
        SourceProperties { recovery: recovery(source.recovery), ..source }
    }

    async fn run(self, out: SourceContext<T>) -> Result<(), ConnectorError> {
        self.0.run(out).await
    }
}

/// What becomes of the records of a source, once its input is logged where that helps.
const fn recovery(of: Recovery) -> Recovery {
    match of {
        Recovery::Replays => Recovery::Replays,
        Recovery::Lost | Recovery::Logged => Recovery::Logged,
    }
}
