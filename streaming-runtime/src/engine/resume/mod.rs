//! How a job with checkpoints begins: the state it resumes from, and the batches that it replays.
//!
//! ```text
//! start: lock and read the place          Engine::start, so that errors about it are errors of the start
//! workers build their dataflows, and report what their operators keep
//! the program is compared with what is stored (`carry`, `lock_file`); nothing was written so far
//! transactional sinks report which batch they have committed
//! state as of the last batch that all sinks have (`resume_point`) -> workers; positions -> sources
//! batches behind it are replayed: same records, same times, no second delivery
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `job_recovery` | the sequence above |
//! | `carry`, `carried_state` | whether the stored state fits the program, and what is changed for that |
//! | `lock_file` | the file beside the program that says what its operators keep |
//! | `sink_marks` | whether the contents of the sinks belong to this checkpoint |
//! | `lossy_sources` | warnings about sources that lose records before state that lasts |
//! | `resume_point` | the batch behind which the job resumes |
//! | `connectors` | sources and sinks of a job that resumes |
//! | `port_names` | what sources of several processes are called in the log |
//!
//! Invariant: nothing is written to the place before everything that can refuse the start has been checked.

mod carried_state;
mod carry;
mod connectors;
mod job_recovery;
mod lock_file;
mod lossy_sources;
mod port_names;
mod resume_point;
mod sink_marks;

pub(crate) use connectors::RecoveringSource;
pub(crate) use job_recovery::{JobRecovery, StoredCheckpoint};
