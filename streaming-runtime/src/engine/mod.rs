//! Starts pipelines and keeps them going.
//!
//! ```text
//!  tokio: source tasks --chunks--> | worker threads:   | --parts--> sink tasks :tokio
//!         (bounded queues,         | timely dataflow,  |  (one a batch and worker)
//!          one a source and worker)| one copy a worker |
//!                                        ^ orders: close batch n, leave
//!  tokio: supervisor (boundaries, pacing, failures, stop) ----> Control <---- took_out(n): sink tasks
//! ```
//!
//! Everything that can fail reports to the supervisor, which alone ends a job: it aborts the tasks, tells the
//! workers to drop their dataflows, and publishes one result. Nothing of a job outlives that but a worker
//! thread stuck inside a user's closure.
//!
//! Invariants: no thread or task spins; no queue is unbounded (parts are bounded by the batches in flight);
//! a batch is delivered whole and in order or not at all.

mod clock;
mod cluster;
mod control;
mod error;
mod job;
mod listener;
mod supervisor;
mod wiring;
mod worker;

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use clock::Clock;
pub use clock::ManualClock;
pub use cluster::{Cluster, ClusterError};
use cluster::{Link, Program};
use control::{Control, Settings};
pub use error::{JobError, StartError};
pub use job::Job;
pub use listener::{BatchInfo, Listener};
use supervisor::Supervisor;
use timely::CommunicationConfig;
pub use wiring::{Flow, InPort, OutPort, Pipeline, Value, Wiring};
use worker::{Reach, WorkerStart};

/// Settings under which pipelines are started.
///
/// ```no_run
/// use streaming_runtime::{connect::{console, tcp}, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
///         let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
///         words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
///     }
/// );
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut job = Engine::new().workers(2).start(word_count::Ports {
///         lines: tcp::lines("127.0.0.1:9999"),
///         counts: console(),
///     })?;
///     job.join().await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
#[must_use = "an engine runs nothing until `start`"]
pub struct Engine {
    workers: usize,
    name: Option<String>,
    clock: Option<ManualClock>,
    close_early: bool,
    in_flight: usize,
    queue: usize,
    listeners: Vec<Arc<dyn Listener>>,
    cluster: Option<Cluster>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// One worker, the system's clock, batches closed at their boundaries only, at most 8 in flight, and 64
    /// chunks of up to 1,024 records in the queue from a source to a worker.
    pub fn new() -> Self {
        Engine {
            workers: 1,
            name: None,
            clock: None,
            close_early: false,
            in_flight: 8,
            queue: 64,
            listeners: Vec::new(),
            cluster: None,
        }
    }

    /// Worker threads of each job, in each process. More than the machine's cores only adds switching.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The name of the jobs in logs and threads; by default the pipeline's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Takes time from `clock`, which a test moves by hand.
    pub fn manual_clock(mut self, clock: &ManualClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Also closes a batch as soon as everything that was sent is in it, between the regular boundaries:
    /// for latency of microseconds instead of batch intervals. Per-batch results then come per early batch.
    pub fn close_early(mut self, early: bool) -> Self {
        self.close_early = early;
        self
    }

    /// Batches that may be closed and not yet taken by every sink; at the limit, the open batch stays open and
    /// sources wait. At least 1, at most 1,024.
    pub fn in_flight(mut self, batches: usize) -> Self {
        self.in_flight = batches;
        self
    }

    /// Chunks, of up to 1,024 records each, that the queue from one source to one worker holds before the
    /// source waits. At least 1.
    pub fn queue(mut self, chunks: usize) -> Self {
        self.queue = chunks;
        self
    }

    /// Runs each job together with the other processes of `cluster`, which start the same pipeline. One job at a
    /// time: its processes listen at the cluster's addresses until all are there.
    ///
    /// Only process 0's settings for time, early closing and batches in flight count.
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Tells `listener` of every job that is started.
    pub fn listener(mut self, listener: impl Listener) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }

    /// Starts a pipeline on connectors and values given by name.
    ///
    /// # Errors
    /// [`StartError`]: no tokio runtime here, a setting out of range, or no thread to be had.
    pub fn start<P: Pipeline>(&self, pipeline: P) -> Result<Job, StartError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let within = |what: &str, n: usize, most: usize| match (1..=most).contains(&n) {
            true => Ok(()),
            false => Err(StartError::Config(format!("{what} must be between 1 and {most}, and it is {n}"))),
        };
        within("the number of workers", self.workers, 256)?;
        within("the number of batches in flight", self.in_flight, 1024)?;
        within("the queue's number of chunks", self.queue, 1 << 20)?;
        let program = match &self.cluster {
            Some(cluster) => {
                cluster.check().map_err(StartError::Config)?;
                let (processes, workers) = (cluster.processes(), self.workers);
                Some(Program::new(P::NAME, P::BATCH, P::PLAN, P::OPERATORS, processes, workers))
            }
            None => None,
        };
        let mut wiring = Wiring::new(self.workers, self.queue);
        pipeline.wire(&mut wiring);
        self.start_wired(&runtime, P::NAME, P::BATCH, program, wiring)
    }

    /// The part of a start that is compiled once, whatever the pipeline.
    fn start_wired(
        &self,
        runtime: &tokio::runtime::Handle,
        pipeline: &str,
        interval: Duration,
        program: Option<Program>,
        wiring: Wiring,
    ) -> Result<Job, StartError> {
        let name = self.name.clone().unwrap_or_else(|| pipeline.to_owned());
        let Wiring { signals, books, sources, sinks, ends, builds, .. } = wiring;

        let (orders, order_ends): (Vec<_>, Vec<_>) = signals
            .iter()
            .map(|signal| {
                let (send, receive) = mpsc::channel();
                ((send, signal.clone()), receive)
            })
            .unzip();
        let (link, reaches) = match self.cluster.clone().zip(program) {
            Some((cluster, program)) => {
                let (seats, reaches) = (0..self.workers).map(|_| mpsc::channel()).unzip();
                let reaches: Vec<_> = Vec::into_iter(reaches).map(Reach::Cluster).collect();
                (Some(Link::new(cluster, program, seats)), reaches)
            }
            None => {
                let communication = match self.workers {
                    1 => CommunicationConfig::Thread,
                    n => CommunicationConfig::Process(n),
                };
                let (allocators, _) = communication.try_build().map_err(StartError::Config)?;
                (None, allocators.into_iter().map(Reach::Here).collect())
            }
        };
        let settings = Settings {
            clock: self.clock.clone().map_or_else(Clock::system, Clock::Manual),
            interval,
            limit: self.in_flight,
            early: self.close_early,
            listeners: self.listeners.clone(),
            sources: sources.iter().map(|source| source.port).collect(),
            sinks: sinks.len(),
            peers: link.as_ref().map(|(_, peers, _)| peers.clone()),
        };
        let control = Arc::new(Control::new(settings, orders, books));

        let (exits, exited) = tokio::sync::mpsc::unbounded_channel();
        let parts = ends.into_iter().zip(builds).zip(order_ends).zip(signals).zip(reaches);
        for (index, ((((ends, build), orders), signal), reach)) in parts.enumerate() {
            let start = WorkerStart { ends, build, orders, signal, control: control.clone() };
            if let Err(source) = worker::spawn(format!("{name}-{index}"), start, reach, exits.clone()) {
                control.abort();
                return Err(StartError::Thread { worker: index, source });
            }
        }
        drop(exits);

        let commands = tokio::sync::mpsc::unbounded_channel();
        let role = match link {
            Some((link, _, role)) => {
                link.spawn(&name, control.clone(), commands.0.clone()).map_err(|source| {
                    control.abort();
                    StartError::Cluster(source)
                })?;
                Some(role)
            }
            None => None,
        };
        tracing::info!(job = name, workers = self.workers, ?interval, "job started");
        Ok(Supervisor::spawn(runtime, name, control, sources, sinks, exited, self.workers, commands, role))
    }
}

/// Graceful stops take at most this long unless told otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(30);
