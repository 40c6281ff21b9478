//! The open batch as one worker sees it.

use std::sync::atomic::Ordering;

use crate::{
    engine::{
        control::Control,
        input::{TakenInput, WorkerInput},
    },
    ids::Epoch,
    intake::pending_acks::PendingAcks,
};

/// The open batch as one worker sees it.
pub(super) struct OpenBatch {
    pub(super) epoch: Epoch,
    pub(super) local_worker: usize,
    /// Records taken in, by source.
    pub(super) records: Vec<u64>,
    /// What is acknowledged when it is delivered.
    pub(super) acks: PendingAcks,
    /// Whether this worker has taken records for it.
    pub(super) dirty: bool,
}

impl OpenBatch {
    /// Batch 0, in a job with so many sources.
    pub(super) fn new(local_worker: usize, sources: usize) -> Self {
        OpenBatch {
            epoch: 0,
            local_worker,
            records: vec![0; sources],
            acks: PendingAcks::default(),
            dirty: false,
        }
    }

    /// Takes in up to `chunks` chunks of each source; returns whether there were any.
    pub(super) fn take_in(
        &mut self,
        inputs: &mut [Box<dyn WorkerInput>],
        control: &Control,
        chunks: usize,
    ) -> bool {
        let mut fed = 0;
        for (source, (input, total)) in inputs.iter_mut().zip(&mut self.records).enumerate() {
            let TakenInput { chunks, records } = input.take(chunks, self.epoch, &mut self.acks);
            *total += records;
            fed += chunks;
            if records > 0 {
                control.board.workers[self.local_worker].took_in(source, records, control.clock.now());
            }
        }
        if fed == 0 {
            return false;
        }
        if !self.dirty {
            self.dirty = true;
            control.mark_dirty();
        }
        // Only now: whoever sees no chunk pending must see the batch dirty.
        control.counters.pending.fetch_sub(fed, Ordering::AcqRel);
        true
    }

    /// Closes the batch, which is `epoch`, and opens the next.
    pub(super) fn close(&mut self, epoch: Epoch, control: &Control) {
        control.input_closed(epoch, &self.records, &mut self.acks);
        self.records.fill(0);
        if std::mem::take(&mut self.dirty) {
            control.mark_clean();
        }
        self.epoch = epoch + 1;
        control.board.workers[self.local_worker].opens(self.epoch);
    }
}
