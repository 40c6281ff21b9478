//! Whether sinks were written with this checkpoint. With another one, batches would be there twice.

use std::sync::Arc;

use crate::{
    checkpoint::CheckpointError, contract::checkpoint_mark::CheckpointId, engine::wiring::SinkMark,
    time::BatchTime,
};

/// The checkpoint of a job, as its sinks are to know it.
pub(crate) struct SinkOwnership<'a> {
    pub(crate) checkpoint: CheckpointId,
    /// The last batch that is there.
    pub(crate) head: Option<BatchTime>,
    /// Whether sinks get no batch that is not on disk.
    pub(crate) holds_back: bool,
    /// The sinks whose contents are taken over, whatever they belong to.
    pub(crate) adopted: &'a [String],
}

impl SinkOwnership<'_> {
    /// # Errors
    /// A sink was written with another checkpoint, or has more than this one. Or one is to be taken over that is none.
    pub(crate) fn check(&self, marks: &[(&'static str, SinkMark)]) -> Result<(), CheckpointError> {
        if let Some(port) = self.adopted.iter().find(|port| marks.iter().all(|(sink, _)| *sink != **port)) {
            let what =
                format!("`.adopt({port:?})` is declared, and the program has no such sink: correct the name");
            return Err(CheckpointError::Incompatible { what });
        }
        for (port, mark) in marks {
            let port = (*port).to_owned();
            let mark = match mark {
                Ok(mark) => *mark,
                Err(source) => return Err(CheckpointError::Mark { port, source: Arc::new(source.clone()) }),
            };
            // One that has nothing any more may belong to any.
            let Some((checkpoint, last)) = mark.and_then(|mark| Some((mark.checkpoint, mark.last?))) else {
                continue;
            };
            if self.adopted.contains(&port) {
                continue;
            }
            if checkpoint != self.checkpoint {
                return Err(CheckpointError::Foreign { port, batch: last });
            }
            if self.holds_back && Some(last) > self.head {
                return Err(CheckpointError::Behind { port, batch: last });
            }
        }
        Ok(())
    }
}
