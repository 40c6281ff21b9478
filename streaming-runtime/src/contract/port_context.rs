//! Which port of which job a connector works for.

use crate::partitioner::takes;

/// Which port of which job a connector works for. A connector makes names of it that are to be the same after a restart and
/// different from those of others, such as that of a consumer group or of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortContext {
    /// The pipeline's name.
    pub pipeline: &'static str,
    /// The job's name: the pipeline's, unless [`Engine::name`](crate::Engine::name) gives another.
    pub job: String,
    /// The port's name.
    pub port: &'static str,
    /// This process among those of the job, from 0 on.
    pub process: usize,
    /// How many processes the job has: 1, unless it runs in a [`Cluster`](crate::cluster::Cluster).
    pub processes: usize,
}

impl PortContext {
    /// Whether this process takes `name`: a file, a partition, a shard. Exactly one process of the job does, and always the same.
    pub fn takes(&self, name: &str) -> bool {
        takes(name, self.process, self.processes)
    }
}
