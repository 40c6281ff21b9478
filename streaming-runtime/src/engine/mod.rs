//! Starts pipelines and keeps them going.
//!
//! ```text
//!  tokio: source tasks --chunks--> | worker threads:   | --parts--> sink tasks :tokio
//!         (bounded queues,         | timely dataflow,  |  (one a batch and worker)
//!          one a source and worker)| one copy a worker |
//!                                        ^ orders: close batch n, leave
//!  own thread: supervisor (boundaries, pacing, failures, stop) -> Control <-- sink_acked(n): sink tasks
//! ```
//!
//! Everything that can fail reports to the supervisor, and only the supervisor ends a job: it aborts the tasks, tells the workers to
//! drop their dataflows, and publishes one result. Only a thread that is stuck outlives a job: a worker in a user's closure, a
//! connector in its own code, the log in a call to its storage. The supervisor waits for each of them with a limit. It has a thread
//! and timers of its own, so that nothing that blocks the service's runtime keeps it from ending the job. A connector whose code may
//! block has a runtime of its own (`connector_threads`), so that it does not block the service's.
//!
//! | file | what it is |
//! |---|---|
//! | `builder`, `checkpoint_settings`, `pid` | settings |
//! | `foreign_names` | what engines and jobs are asked for elsewhere |
//! | `start`, `prepared` | from an engine and a pipeline to a running job |
//! | `job` | the handle of a running job |
//! | `wiring`, `ports`, `flow`, `input`, `targets` | from ports with connectors to tasks and dataflows |
//! | `worker` | takes records in, steps the dataflow, closes batches |
//! | `control` | the state of the batches, which all others share |
//! | `supervisor`, `pacing`, `watchdog` | closes batches at their boundaries and ends the job |
//! | `connector_threads`, `connector_events`, `threads` | where connectors run, and what is told of them |
//! | `resume`, `replay`, `job_log`, `log_forwarding` | checkpoints: how a job begins, and what it logs |
//! | `backpressure` | the rate of sources, set after each batch |
//! | `cluster` | one job over several processes |
//!
//! Imports point from `start` to `supervisor` to `resume` and `replay` to `pacing` to `control`; workers and wiring know `control` and
//! nothing of the supervisor.
//!
//! Invariants: no thread or task spins; no queue is unbounded (parts are bounded by the batches in flight);
//! a batch is delivered whole and in order or not at all.

mod backpressure;
mod builder;
pub(crate) mod checkpoint_settings;
mod cluster;
mod connector_events;
mod connector_threads;
mod control;
mod flow;
pub(crate) mod foreign_names;
mod input;
mod job;
mod job_log;
mod log_forwarding;
mod pacing;
mod pid;
mod ports;
mod prepared;
mod replay;
mod resume;
mod start;
mod supervisor;
mod targets;
mod threads;
mod watchdog;
mod wiring;
mod worker;

pub use builder::Engine;
pub use cluster::Cluster;
pub use flow::Flow;
pub use job::Job;
pub use pid::{Pid, PidEstimator};
pub use ports::{InPort, OutPort};
pub use wiring::{Pipeline, Value, Wiring};
pub use worker::LocalWorker;
