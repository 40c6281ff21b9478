//! Real processes that are killed, and what they leave behind against what one leaves that is not.
//!
//! A [`Trial`] runs one of the [`Job`]s in a child process on a directory of its own: checkpoints in `state`, files and
//! tables in `out`. The child is killed and started again until it ends by itself; then `out` has to be what it is after a
//! run in one go ([`output()`]). Tests start their own binary as the child, `benches -- soak` does the same: whoever
//! includes this says how, and calls [`child`] there.
//!
//! Time is by a manual clock that stands at the end of the run from the beginning: batches follow each other as fast as
//! they are delivered, at the same times in each run, so that files have the same names and contents byte for byte. Only
//! [`Job::Received`] goes by the system's clock: its sources send when they like, so batches are cut differently in each
//! run, and all batches together are compared.

mod kills;
mod output;
mod pipelines;
mod sources;

use output::{Output, output};
use pipelines::Role;

pub(crate) use kills::{Child, Dice, Ended, Trial};
pub(crate) use pipelines::{Job, child};
