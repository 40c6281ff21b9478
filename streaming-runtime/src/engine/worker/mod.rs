//! One worker: takes records in, steps its dataflow, closes batches, sleeps.
//!
//! | file | what it is |
//! |---|---|
//! | `start` | what a worker is started with |
//! | `running` | what it does in a turn |
//! | `open_batch` | the open batch as it sees it |
//! | `thread` | a worker on a thread of its own |
//! | `local` | a worker as a future on the service's thread |
//!
//! Invariants: a worker never spins: it sleeps when a turn had nothing to do. It takes no records while the batches in
//! flight are at their limit. It reports its end exactly once.

mod local;
mod open_batch;
mod running;
mod start;
mod thread;

pub use local::LocalWorker;
pub(crate) use start::{BuildResult, Exit, LogRoute, WorkerLink, WorkerRecovery, WorkerStart};
pub(crate) use thread::spawn;
