//! Checkpoints: a job's input and state on disk, so that it goes on after a crash as if there had been none.
//!
//! This module handles bytes: it writes frames in order, reports what is durable, compacts, and reads everything back. Operators and
//! the engine know what the bytes mean.
//!
//! # On disk
//!
//! A flat directory ([`Storage`]; [`LocalDirectory`] for disks) with two kinds of files:
//!
//! | name | holds | written |
//! |---|---|---|
//! | `log-<n>` | the frames of epochs and inputs, in order | appended, by one process; a later one opens a new log |
//! | `base-<k>` | everything in the logs before `log-<k>` that is still needed | whole or not at all |
//!
//! So the state is the base with the highest number and the logs from that number on. Every file begins with a head
//! (version, number, how much of the log before it counts), then come frames, each with a checksum.
//!
//! ```text
//!   engine -> Log (thread) -> Writer -> Storage          open -> Opened -> restore -> Restored + Place -> Log::start
//!                               |                          |                  |
//!                               v                          v                  v
//!                           Compaction ---------------->  Image  <------- inspect
//! ```
//!
//! # Invariants
//!
//! - What was reported as durable is there after a crash, and nothing is there in part.
//! - Only the newest log can be torn: a log is synced before the next one is created, a base is published whole. A bad
//!   frame is a torn tail only if no good frame behind it says that it was on disk; everything else is corruption and
//!   is refused with the place. What is cut is reported.
//! - Epochs and numbers of logs have no gaps, times of batches grow.
//! - A file is removed only when a newer base that is durable holds what is live in it.
//! - A file whose append or sync has failed is never written again.
//! - Recovery touches nothing on disk before `Log::start`: a job that is refused leaves all as it was.
//! - A batch that runs again in a program with other operators is written again, and its newest frame counts; no base
//!   ends between such batches.
//! - Compaction knows bytes only, and is restoring and writing: the base at an epoch is what `restore` would give there.

mod compact;
pub(crate) mod crash;
mod error;
mod format;
mod frame;
mod image;
mod inspect;
mod lock;
mod log;
mod part;
mod places;
mod recover;
mod restored;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod simulated;
pub(crate) mod state_log;
mod storage;
#[cfg(test)]
mod tests;
mod watched;
mod writer;

pub(crate) use crash::crash_point;
pub use error::CheckpointError;
pub use inspect::{
    EpochInspection, FileInspection, Inspection, OperatorInspection, Problem, SourceInspection, inspect,
};
pub(crate) use lock::{
    Declared, Initial, OperatorState, StateShape, carry, carry_sources, exchanged, mark_of, read_lock,
    short_name, write_lock,
};
pub(crate) use log::Log;
pub(crate) use part::{Entry, EntryContent, KeysReader, PartWriter};
pub(crate) use recover::{Edits, Opened, Place, TornTail, look, open};
pub(crate) use restored::{Input, ReplayMark, Restored};
pub use storage::{Append, LocalDirectory, Storage};
pub(crate) use watched::{Calls, Watched};
pub(crate) use writer::{Durable, Settings};

use serde::{Deserialize, Serialize};

use crate::{ids::Epoch, time::BatchTime, timeline::Follows};

/// How far a source was at a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourceMark {
    /// Its records in this batch.
    pub records: u64,
    /// Its records up to and with this batch.
    pub total: u64,
    /// A place from which it can read again, if it can.
    pub position: Option<Vec<u8>>,
    /// Records that it gave after `position`, up to and with this batch.
    pub since: u64,
    /// Whether it had ended by itself, because its sources had.
    pub ended: bool,
}

/// That a batch is closed, and what it took of each source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub epoch: Epoch,
    pub time: BatchTime,
    pub follows: Follows,
    /// In the order of [`Program::sources`].
    pub sources: Vec<SourceMark>,
}

/// The program that writes. It is at the head of each log, so that each can be read by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    pub pipeline: String,
    pub sources: Vec<SourceEntry>,
    pub sinks: Vec<SinkEntry>,
    /// Where it ran: the number of processes, and of workers in each.
    pub processes: u32,
    pub workers: u32,
    /// The last batch that came out before it ran there, if it ran elsewhere before.
    pub moved: Option<BatchTime>,
    /// The stateful operators; entries name them by their place in this list.
    pub operators: Vec<OperatorEntry>,
    /// Tells this checkpoint from all others, by chance. `None`: it was written before there was this, and what
    /// operators began with and the parameters of their aggregates are not known either.
    pub identity: Option<Identity>,
}

/// See [`Program::identity`].
pub(crate) type Identity = u128;

/// A source, and how its records come again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceEntry {
    pub port: String,
    pub replay_origin: ReplayOrigin,
}

/// How the records of a source come again after a crash: what its marks mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReplayOrigin {
    /// They do not.
    #[default]
    Never,
    /// From the source, behind a position.
    FromSource,
    /// From the log, where they are written down as this.
    FromLog { records: String },
}

/// A sink, and the last batch that came out before it was there, if one did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SinkEntry {
    pub port: String,
    pub since: Option<BatchTime>,
}

/// A stateful operator, and what its entries are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OperatorEntry {
    pub id: String,
    /// The schema of its state, as text.
    pub state: String,
    /// How it is made, if that was known.
    pub mark: String,
    /// Of the initial states that it was given when it began, if any.
    pub initial: Option<u64>,
}
