//! Two copies of a value: readers look at one while the only writer updates the other.

use std::sync::{
    PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
    atomic::{AtomicUsize, Ordering},
};

/// A value that is shown, and its hidden copy.
///
/// Invariants: there is one writer. It never locks the side that is shown, so readers never wait. It waits for readers that still look at
/// the side that was shown before.
pub(super) struct Sides<T> {
    sides: [RwLock<T>; 2],
    shown: AtomicUsize,
}

impl<T> Sides<T> {
    pub(super) fn new(shown: T, hidden: T) -> Self {
        Sides { sides: [RwLock::new(shown), RwLock::new(hidden)], shown: AtomicUsize::new(0) }
    }

    /// Looks at what is shown.
    pub(super) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.shown())
    }

    fn shown(&self) -> RwLockReadGuard<'_, T> {
        loop {
            match self.sides[self.shown.load(Ordering::Acquire)].try_read() {
                Ok(side) => return side,
                Err(TryLockError::Poisoned(side)) => return side.into_inner(),
                // The writer locks what is hidden: since the load, the other side was shown.
                Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
            }
        }
    }

    fn hidden(&self) -> &RwLock<T> {
        &self.sides[1 - self.shown.load(Ordering::Acquire)]
    }

    /// For the writer: whether no reader is left on the hidden side.
    pub(super) fn is_free(&self) -> bool {
        !matches!(self.hidden().try_write(), Err(TryLockError::WouldBlock))
    }

    /// For the writer: changes the hidden side, after its readers have left.
    pub(super) fn change_hidden<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut side: RwLockWriteGuard<'_, T> = self.hidden().write().unwrap_or_else(PoisonError::into_inner);
        change(&mut side)
    }

    /// For the writer: looks at what is shown and at what is hidden.
    pub(super) fn read_both<R>(&self, look: impl FnOnce(&T, &T) -> R) -> R {
        look(&self.shown(), &self.hidden().read().unwrap_or_else(PoisonError::into_inner))
    }

    /// For the writer: shows the hidden side.
    pub(super) fn swap(&self) {
        self.shown.fetch_xor(1, Ordering::AcqRel);
    }
}
