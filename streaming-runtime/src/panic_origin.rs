//! Which operator panicked.
//!
//! A fused chain runs the closures of many operators in one call, so the engine cannot see from outside which of them panicked. Each
//! closure runs under a guard that does something only when it is dropped by unwinding, so it costs nothing otherwise.
//!
//! A record that fails the job does so in the same way: by unwinding, so that nothing of its batch goes on.

use std::{any::type_name, cell::Cell, panic::resume_unwind, time::Duration};

use crate::ids::OpId;

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

/// What unwinds when an operator ends the job.
pub(crate) struct PanicOrigin {
    /// The operator, where it is not the one that runs.
    pub(crate) operator: Option<OpId>,
    pub(crate) why: Why,
}

/// Why an operator ends the job.
pub(crate) enum Why {
    /// A record arrived at a `fail` of the pipeline.
    Record(String),
    /// A record is there more often than can be counted, or written out.
    TooManyCopies { most: i64 },
    /// A loop that still changes.
    Endless { rounds: u64, elapsed: Duration },
    /// Something was taken back that is not there.
    NeverSaid { what: &'static str },
    /// A key is not equal to itself.
    NotItself { what: &'static str },
}

impl Why {
    /// A record was taken back that is not there. The error has its type, and not its contents, which may be secret.
    pub(crate) fn never_said<T>(_: &T) -> Self {
        Why::NeverSaid { what: type_name::<T>() }
    }
}

/// Ends the job. Without a panic's message to standard error: it is none.
#[cold]
pub(crate) fn fail(operator: OpId, why: Why) -> ! {
    resume_unwind(Box::new(PanicOrigin { operator: Some(operator), why }))
}

/// Ends the job if a key that is new is not equal to itself, as one with a NaN in it is where a user's `Eq` says so: it
/// would never be found again.
#[inline]
pub(crate) fn check_itself<K: PartialEq>(key: &K) {
    #[cold]
    fn fail(what: &'static str) -> ! {
        resume_unwind(Box::new(PanicOrigin { operator: None, why: Why::NotItself { what } }))
    }
    #[allow(clippy::eq_op)] // it is what is asked
    if key != key {
        fail(type_name::<K>());
    }
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
