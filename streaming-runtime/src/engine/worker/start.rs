//! What a worker is started with.

use std::sync::{
    Arc,
    mpsc::{Receiver, Sender},
};

use timely::communication::AllocatorBuilder;
use tokio::sync::{mpsc, oneshot};

use crate::{
    build_error::BuildError,
    checkpoint::{OperatorState, Restored},
    engine::{
        cluster::ProcessSeat,
        control::{Control, WorkerOrder},
        flow::Flow,
        job_log::LogMessages,
        ports::WorkerPorts,
    },
    error::JobError,
    intake::signal::Signal,
};

/// What a worker takes to its thread.
pub(crate) struct WorkerStart {
    /// The worker's index in this process.
    pub(crate) local_worker: usize,
    pub(crate) ports: WorkerPorts,
    pub(crate) build: Box<dyn FnOnce(&Flow<'_>) + Send>,
    pub(crate) orders: Receiver<WorkerOrder>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) control: Arc<Control>,
    /// Decides which worker owns which key. In a cluster the leader's seed comes with the allocator.
    pub(crate) seed: u64,
    /// Reports whether the dataflow was built.
    pub(crate) built: Sender<BuildResult>,
    /// In a job with checkpoints.
    pub(crate) recovery: Option<WorkerRecovery>,
}

/// Whether a worker has built its dataflow.
pub(crate) struct BuildResult {
    pub(crate) local_worker: usize,
    pub(crate) result: Result<(), BuildError>,
}

/// How a worker of a job with checkpoints begins: it reports what its operators keep, and receives the state to resume
/// from.
pub(crate) struct WorkerRecovery {
    pub(crate) built: mpsc::UnboundedSender<Vec<OperatorState>>,
    pub(crate) restored: RestoredReceiver,
    /// In a cluster.
    pub(crate) log_route: Option<LogRoute>,
}

/// Receives the state to resume from; `None` if there is none.
pub(crate) type RestoredReceiver = oneshot::Receiver<Option<Arc<Restored>>>;

/// How a worker of a cluster reaches the log.
pub(crate) struct LogRoute {
    /// Whether the log is in this process.
    pub(crate) leads: bool,
    /// For the first worker of a process: what its sources have for the log.
    pub(crate) of_process: Option<Arc<LogMessages>>,
}

/// How a worker is connected to the other workers.
pub(crate) enum WorkerLink {
    /// All are in this process.
    Local(Box<AllocatorBuilder>),
    /// Some are in other processes; the connections are there when all processes are.
    Cluster(Receiver<ProcessSeat>),
}

/// How a worker ended: a panic is the operator's.
pub(crate) type Exit = Result<(), JobError>;
