//! A handle for looking at a job.

use std::{fmt, sync::Arc};

use crate::observe::{
    explain::{Explanation, explain},
    metrics::{Board, JobMetrics},
    plan::Plan,
};

/// Looks at a job from anywhere, also while somebody else waits for its end, and after it. It is cheap to clone and does not keep
/// the job alive. From [`Job::monitor`](crate::Job::monitor) or [`Listener::attached`](crate::Listener::attached).
#[derive(Clone)]
pub struct Monitor(pub(crate) Arc<Board>);

impl Monitor {
    /// The job's name.
    pub fn name(&self) -> &str {
        &self.0.job
    }

    /// Whether the job has ended.
    pub fn has_ended(&self) -> bool {
        self.0.has_ended()
    }

    /// The job in numbers, now. It delays no worker and takes some microseconds: a few tens of nanoseconds per operator, source and
    /// worker, and one pass over the last 256 delays.
    pub fn metrics(&self) -> JobMetrics {
        self.0.metrics()
    }

    /// What each sink waits for, in the order of the header.
    pub fn explain(&self) -> Vec<Explanation> {
        explain(&self.0)
    }

    /// The job's plan: its operators and ports with what each keeps, by the ids of its [metrics](Monitor::metrics), and what its
    /// connectors do after a crash.
    pub fn plan(&self) -> Plan {
        self.0.plan.clone()
    }

    /// The warnings of the start, as they were logged: sources that begin anew before state that stays.
    pub fn warnings(&self) -> Vec<String> {
        self.0.warnings.get().cloned().unwrap_or_default()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.0.job).finish()
    }
}
