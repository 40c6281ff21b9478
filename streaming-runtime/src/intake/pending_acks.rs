//! Acknowledgements that wait for the delivery of a batch.

use crate::{contract::receipt::Receipts, intake::admission::Held};

/// What is done when the batch of some records was delivered: receipts are given out, and their bytes are returned to the
/// memory limit.
#[derive(Default)]
pub(crate) struct PendingAcks {
    receipts: Vec<Receipts>,
    held: Held,
}

impl PendingAcks {
    pub(crate) fn new(receipts: Option<Receipts>, held: Held) -> Self {
        PendingAcks { receipts: receipts.into_iter().collect(), held }
    }

    /// Takes over the acknowledgements of records that come into the same batch of the same job.
    pub(crate) fn append(&mut self, more: &mut PendingAcks) {
        self.receipts.append(&mut more.receipts);
        self.held.append(&mut more.held);
    }

    /// Returns the bytes to the memory limit; the receipts are left.
    pub(crate) fn into_receipts(self) -> Vec<Receipts> {
        self.receipts
    }
}
