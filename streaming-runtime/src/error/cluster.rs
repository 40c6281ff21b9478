//! Why processes could not come together.

use std::{io, sync::Arc, time::Duration};

use crate::sentence::debug_as_sentence;

/// Why a cluster did not come together. It ends the job as [`JobError::Cluster`](crate::JobError::Cluster).
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// This process cannot listen at its own address.
    #[error("listening for the other processes at `{address}`: {source}")]
    Listen {
        /// The address, as in the configuration.
        address: String,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// Processes that were not there within the limit.
    #[error("after {limit:?} there was still no {}", missing.join(", "))]
    Missing {
        /// The processes, each by its index and address.
        missing: Vec<String>,
        /// The limit: [`Cluster::gather_within`](crate::cluster::Cluster::gather_within).
        limit: Duration,
    },
    /// A process has another secret, or none; or somebody else listens at its address.
    #[error(
        "process {index} ({address}) does not have this cluster's secret: give all processes the same with `Cluster::secret`, or see \
         who else listens there"
    )]
    Secret {
        /// The other process's index.
        index: usize,
        /// Its address.
        address: String,
    },
    /// Two processes run different programs or settings.
    #[error("{what} is {here} in this process, and {there} in process {index} ({address})")]
    Mismatch {
        /// The other process's index, as it says.
        index: usize,
        /// Its address.
        address: String,
        /// What differs.
        what: String,
        /// What it is here.
        here: String,
        /// What it is there.
        there: String,
    },
    /// The system refused something that the connections between processes need.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's answer.
        source: Arc<io::Error>,
    },
}

debug_as_sentence!(ClusterError);

impl ClusterError {
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            ClusterError::Listen { .. } => "cluster.listen",
            ClusterError::Missing { .. } => "cluster.missing",
            ClusterError::Secret { .. } => "cluster.secret",
            ClusterError::Mismatch { .. } => "cluster.mismatch",
            ClusterError::Io { .. } => "cluster.io",
        }
    }

    pub(crate) fn io(what: &str, source: io::Error) -> Self {
        ClusterError::Io { what: what.to_owned(), source: Arc::new(source) }
    }
}
