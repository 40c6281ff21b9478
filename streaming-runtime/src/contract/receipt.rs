//! Receipts: how a program learns that a record was delivered.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use crate::{contract::error::Closed, time::BatchTime};

/// Says when a record is in the outputs: a future that is ready when every sink has taken the record's batch and all batches before
/// it. It resolves to the time of that batch. See [`Sender::send_tracked`](crate::connect::Sender::send_tracked).
///
/// The record is delivered even if the receipt is dropped.
///
/// # Errors
/// [`Closed`] when the job ended before.
#[must_use = "a receipt does nothing unless it is awaited"]
pub struct Receipt(oneshot::Receiver<BatchTime>);

impl Future for Receipt {
    type Output = Result<BatchTime, Closed>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|_| Closed)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

/// The other end of a receipt. When it is dropped, the receipt says that the record is lost.
pub(crate) type Addressee = oneshot::Sender<BatchTime>;

/// A receipt and its other end.
pub(crate) fn receipt() -> (Addressee, Receipt) {
    let (addressee, told) = oneshot::channel();
    (addressee, Receipt(told))
}

/// Receipts of records that travel together. Each chunk of them carries a clone; when all clones were delivered, the
/// receipts are given out, with the time of the last.
pub(crate) struct Receipts {
    shared: Arc<ReceiptState>,
    delivered: bool,
}

struct ReceiptState {
    addressees: Vec<Addressee>,
    /// Nanoseconds.
    last: AtomicU64,
    lost: AtomicBool,
}

impl Receipts {
    /// `None` without receipts.
    pub(crate) fn new(addressees: Vec<Addressee>) -> Option<Self> {
        let shared = ReceiptState { addressees, last: AtomicU64::new(0), lost: AtomicBool::new(false) };
        (!shared.addressees.is_empty()).then(|| Receipts { shared: Arc::new(shared), delivered: false })
    }

    /// The chunk's batch, that of `time`, was delivered.
    pub(crate) fn deliver(mut self, time: BatchTime) {
        self.delivered = true;
        self.shared.last.fetch_max(time.as_nanos(), Ordering::AcqRel);
    }
}

impl Clone for Receipts {
    fn clone(&self) -> Self {
        Receipts { shared: self.shared.clone(), delivered: false }
    }
}

impl Drop for Receipts {
    fn drop(&mut self) {
        if !self.delivered {
            self.shared.lost.store(true, Ordering::Release);
        }
    }
}

impl Drop for ReceiptState {
    fn drop(&mut self) {
        if !*self.lost.get_mut() {
            let time = BatchTime::from_nanos(*self.last.get_mut());
            for addressee in self.addressees.drain(..) {
                // Whoever forgot the receipt does not want to know.
                let _ = addressee.send(time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn given_out_when_the_last_part_is_delivered_and_never_when_one_is_lost() {
        assert!(Receipts::new(Vec::new()).is_none());
        let (addressee, mut told) = receipt();
        let whole = Receipts::new(vec![addressee]).expect("one addressee");
        let part = whole.clone();
        part.deliver(BatchTime::from_millis(2));
        assert!((&mut told).now_or_never().is_none());
        whole.deliver(BatchTime::from_millis(1));
        assert_eq!(told.await, Ok(BatchTime::from_millis(2)));

        let (addressee, told) = receipt();
        let whole = Receipts::new(vec![addressee]).expect("one addressee");
        drop(whole.clone());
        whole.deliver(BatchTime::from_millis(1));
        assert_eq!(told.await, Err(Closed));
    }
}
