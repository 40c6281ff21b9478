//! The one task that closes batches at their boundaries and ends the job.
//!
//! | file | what it is |
//! |---|---|
//! | `start` | starts the supervisor and the connectors |
//! | `run` | its life: the first failure or the end, and the result |
//! | `drive` | the batches of a job from the first to the last |
//! | `follower` | what it does instead in a process that follows a leader |
//! | `leave` | the end: what leaves, and what is left behind |
//!
//! The supervisor has a thread and timers of its own: a connector or a service that blocks the service's runtime does not
//! keep it from ending the job.
//!
//! Invariants: it alone ends a job, and publishes one result. It never waits without a limit for what may hang.

mod drive;
mod follower;
mod leave;
mod run;
mod start;

pub(crate) use start::SupervisorStart;
