//! Which operator is to blame for a panic.
//!
//! A fused chain runs many operators' closures in one call, so the engine cannot tell from outside which of
//! them panicked. Each closure runs under a guard that does nothing but when it is dropped by unwinding: no
//! cost on the way that matters.
//!
//! A record that is to fail the job does so the same way: by unwinding, so that nothing of its batch goes on.

use std::{cell::Cell, panic::resume_unwind};

use crate::stream::OpId;

/// What panics outside of every operator: the code between them, which builds the dataflow.
pub(crate) const BODY: &str = "the body of the pipeline";

thread_local! {
    static BLAMED: Cell<Option<OpId>> = const { Cell::new(None) };
}

struct Blame(OpId);

impl Drop for Blame {
    fn drop(&mut self) {
        // Guards nest, and the innermost is dropped first.
        BLAMED.set(BLAMED.get().or(Some(self.0)));
    }
}

/// Runs `f`; if it panics, `id` is what [`take`] returns.
#[inline(always)]
pub(crate) fn named<R>(id: OpId, f: impl FnOnce() -> R) -> R {
    let guard = Blame(id);
    let result = f();
    std::mem::forget(guard);
    result
}

/// What unwinds when a record fails the job.
pub(crate) struct Failed {
    pub(crate) operator: OpId,
    pub(crate) message: String,
}

/// Fails the job for a record. Without a panic's message to standard error: it is none.
pub(crate) fn fail(operator: OpId, message: String) -> ! {
    resume_unwind(Box::new(Failed { operator, message }))
}

/// The operator that panicked on this thread, once.
pub(crate) fn take() -> Option<OpId> {
    BLAMED.take()
}

/// The message of a caught panic.
pub(crate) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
