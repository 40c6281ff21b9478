//! Output of a worker that waits until no operator can object to its batch any more.
//!
//! A batch with a record that fails the job must not be delivered, and a delivered batch must have been counted. But `fail` and `skip` are
//! beside the paths to the sinks, not on them. So they report how far they have seen, and parts of later batches wait. A batch needs the
//! parts of all workers, so it is enough that each worker asks its own operators. A pipeline without such operators holds nothing back.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use crate::ids::Epoch;

/// See the module.
#[derive(Default)]
pub(crate) struct PendingOutput {
    /// The first batch that each operator which may object has not seen to its end.
    objectors: RefCell<Vec<Rc<Cell<Epoch>>>>,
    /// Bounded by the batches in flight.
    waiting: RefCell<VecDeque<Waiting>>,
}

/// Something of a batch, to be sent.
struct Waiting {
    epoch: Epoch,
    send: Box<dyn FnOnce()>,
}

impl PendingOutput {
    /// An operator that is to be asked: it keeps here the first batch of which it may see more.
    pub(crate) fn objector(&self) -> Rc<Cell<Epoch>> {
        let seen = Rc::<Cell<Epoch>>::default();
        self.objectors.borrow_mut().push(seen.clone());
        seen
    }

    /// Sends something of a batch, now or later; what is put first is sent first.
    pub(crate) fn put(&self, epoch: Epoch, send: impl FnOnce() + 'static) {
        match self.objectors.borrow().is_empty() {
            true => send(),
            false => self.waiting.borrow_mut().push_back(Waiting { epoch, send: Box::new(send) }),
        }
    }

    /// Whether anything waits.
    pub(crate) fn holds_back(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// Sends what need not wait any more. The worker calls it after each step, so not if an operator has panicked.
    pub(crate) fn flush(&self) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            return;
        }
        let seen = self.objectors.borrow().iter().map(|seen| seen.get()).min().unwrap_or(Epoch::MAX);
        // Sinks take turns in here, and each one's batches are in order.
        for part in std::mem::take(&mut *waiting) {
            match part.epoch < seen {
                true => (part.send)(),
                false => waiting.push_back(part),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_objected_to_waits() {
        let outbox = PendingOutput::default();
        let sent = Rc::new(RefCell::new(Vec::new()));
        let put = |epoch, text| {
            let sent = sent.clone();
            outbox.put(epoch, move || sent.borrow_mut().push(text));
        };
        put(0, "at once");
        assert_eq!(*sent.borrow(), ["at once"]);
        let (one, other) = (outbox.objector(), outbox.objector());
        put(1, "1a");
        put(2, "2a");
        put(1, "1b");
        one.set(3);
        outbox.flush();
        assert_eq!(sent.borrow().len(), 1, "the other may still object");
        other.set(2);
        outbox.flush();
        assert_eq!(*sent.borrow(), ["at once", "1a", "1b"]);
        other.set(Epoch::MAX);
        outbox.flush();
        assert_eq!(sent.borrow().len(), 4);
    }
}
