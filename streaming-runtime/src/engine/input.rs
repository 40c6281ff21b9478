//! The worker's end of the queue from a source.

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, Scope, StreamVec, channels::pact::Pipeline, operators::generic::operator::Operator,
    },
};
use tokio::sync::mpsc;

use crate::{
    ids::Epoch,
    intake::{pending_acks::PendingAcks, queues::Chunk},
    record::Record,
};

/// The worker's end of one source.
pub(crate) trait WorkerInput {
    /// Takes up to `chunks` chunks that may belong to the batch `open`, and adds their acknowledgements to `acks`.
    fn take(&mut self, chunks: usize, open: Epoch, acks: &mut PendingAcks) -> TakenInput;
    /// Closes the open batch: later records belong to `epoch`.
    fn advance(&mut self, epoch: Epoch);
}

/// How much a worker took from a source at once.
pub(crate) struct TakenInput {
    pub(crate) chunks: usize,
    pub(crate) records: u64,
}

/// The queue of a source, and the input of the dataflow that it feeds.
pub(crate) struct SourceInput<T: Record> {
    chunks: mpsc::Receiver<Chunk<T>>,
    /// A chunk of a later batch than the worker's open one: it was sent after the batch was closed, and the worker has not
    /// heard of that yet.
    early: Option<Chunk<T>>,
    input: InputHandle<Epoch, CapacityContainerBuilder<Vec<T>>>,
}

impl<T: Record> SourceInput<T> {
    pub(crate) fn new<'s>(
        chunks: mpsc::Receiver<Chunk<T>>,
        scope: Scope<'s, Epoch>,
    ) -> (Self, StreamVec<'s, Epoch, T>) {
        let mut input = InputHandle::new_with_builder();
        // An operator between the input and whatever reads it. An exchange right behind an input can lose its
        // flush: timely's input passes one on only while it has something to report, and a step between sending
        // and closing may have reported it. What an operator sends is flushed before that operator is left.
        let root = input.to_stream(scope).unary(Pipeline, "Source", |_, _| {
            move |input, output| input.for_each(|time, records| output.session(&time).give_container(records))
        });
        (SourceInput { chunks, early: None, input }, root)
    }
}

impl<T: Record> WorkerInput for SourceInput<T> {
    fn take(&mut self, chunks: usize, open: Epoch, acks: &mut PendingAcks) -> TakenInput {
        let mut taken = TakenInput { chunks: 0, records: 0 };
        while taken.chunks < chunks
            && let Some(mut chunk) = self.early.take().or_else(|| self.chunks.try_recv().ok())
        {
            if chunk.sent_in > open {
                self.early = Some(chunk);
                break;
            }
            taken.chunks += 1;
            taken.records += chunk.records.len() as u64;
            acks.append(&mut chunk.acks);
            self.input.send_batch(&mut chunk.records);
        }
        taken
    }

    fn advance(&mut self, epoch: Epoch) {
        self.input.advance_to(epoch);
        self.input.flush();
    }
}
