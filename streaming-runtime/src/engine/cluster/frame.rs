//! What processes say to each other beside records: one line of JSON each, bounded.

use std::{fmt, io, time::Duration};

use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;
use tokio_util::codec::{Framed, LinesCodec};

use crate::{ids::Epoch, timeline::Follows};

/// The longest line, in bytes. Nothing that is said has a length that the pipeline or its data decide, but for
/// the words of a failure, which are cut to a quarter of this.
pub(super) const MAX_LINE: usize = 16 * 1024;

/// A connection on which lines are spoken.
pub(super) type FrameLines = Framed<TcpStream, LinesCodec>;

pub(super) fn lines(socket: TcpStream) -> FrameLines {
    Framed::new(socket, LinesCodec::new_with_max_length(MAX_LINE))
}

/// What a process says of the running job. Times are nanoseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ClusterFrame {
    /// To all: this process lives.
    Beat,
    /// To the leader: all of this process's connections are there.
    Ready,
    /// From the leader: all are ready, this is the time, and by this seed keys are dealt out to workers.
    Start { now: u64, seed: u64 },
    /// To the leader: what a transactional sink of a process has for good, as the time of a batch, and whether it has all that
    /// was delivered even if that is later.
    Has { process: usize, sink: String, batch: Option<u64>, skips_empty: bool },
    /// To the leader: the workers of this process have built their dataflows, and its transactional sinks, all of them,
    /// have said what they have. `told` is whether all of its sinks are such.
    Built { process: usize, told: bool },
    /// From the leader: restore as of the end of `at` from a log whose last batch is `head`. `checkpoint` is a
    /// [`CheckpointId`](crate::connect::CheckpointId).
    Restore { at: Option<Epoch>, head: Option<Epoch>, checkpoint: String },
    /// To the leader: that is done.
    Restored { process: usize },
    /// From the leader: let the sources begin.
    Begin,
    /// From the leader: this batch and those before are on its disk.
    Durable { epoch: Epoch },
    /// From the leader: close this batch.
    Close { epoch: Epoch, time: u64, follows: Follows },
    /// To the leader: all sinks here have taken this batch.
    Acked { epoch: Epoch },
    /// From the leader: all sinks everywhere have taken this batch.
    Delivered { epoch: Epoch },
    /// To the leader: this open batch has records, and nothing waits in the queues here.
    Ripe { epoch: Epoch },
    /// From the leader: ask the paced sources for the batch of this time.
    Pace { time: u64 },
    /// To the leader: they have sent it.
    Paced { time: u64 },
    /// To the leader: the sources here have ended.
    Ended,
    /// To the leader: somebody asked this process to stop the job.
    Stop { within: Duration },
    /// From the leader: stop the sources.
    Finish,
    /// To the leader: the sources are stopped, and all is delivered that was closed. `next` is the open batch.
    Drained { next: Epoch, dirty: bool },
    /// From the leader: all is delivered everywhere; leave.
    Leave,
    /// To all: the job failed, and this process is why.
    Failed { index: usize, message: String },
}

impl ClusterFrame {
    pub(super) fn failed(index: usize, message: &str) -> ClusterFrame {
        let mut message = message.to_owned();
        message.truncate(message.floor_char_boundary(MAX_LINE / 4));
        ClusterFrame::Failed { index, message }
    }
}

/// Says one thing.
pub(super) async fn say<S>(lines: &mut S, what: &impl Serialize) -> io::Result<()>
where
    S: SinkExt<String, Error: fmt::Display> + Unpin,
{
    let line = serde_json::to_string(what).map_err(io::Error::other)?;
    lines.send(line).await.map_err(|error| io::Error::other(error.to_string()))
}

/// Hears one thing; `None` at the end of the connection.
pub(super) async fn hear<T, S, E>(lines: &mut S) -> io::Result<Option<T>>
where
    T: DeserializeOwned,
    S: StreamExt<Item = Result<String, E>> + Unpin,
    E: fmt::Display,
{
    match lines.next().await {
        None => Ok(None),
        Some(Ok(line)) => serde_json::from_str(&line).map(Some).map_err(io::Error::other),
        Some(Err(error)) => Err(io::Error::other(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_failure_fits_on_a_line() {
        let words = "\u{1}ü\"".repeat(MAX_LINE);
        let frame = ClusterFrame::failed(3, &words);
        let line = serde_json::to_string(&frame).expect("frames are JSON");
        assert!(line.len() < MAX_LINE, "{}", line.len());
        assert_eq!(serde_json::from_str::<ClusterFrame>(&line).expect("the same"), frame);
    }
}
