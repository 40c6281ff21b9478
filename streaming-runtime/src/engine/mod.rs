//! Starts pipelines and keeps them going.
//!
//! ```text
//!  tokio: source tasks --chunks--> | worker threads:   | --parts--> sink tasks :tokio
//!         (bounded queues,         | timely dataflow,  |  (one a batch and worker)
//!          one a source and worker)| one copy a worker |
//!                                        ^ orders: close batch n, leave
//!  own thread: supervisor (boundaries, pacing, failures, stop) -> Control <-- took_out(n): sink tasks
//! ```
//!
//! Everything that can fail reports to the supervisor, and only the supervisor ends a job: it aborts the tasks, tells the workers to
//! drop their dataflows, and publishes one result. Only a thread that is stuck outlives a job: a worker in a user's closure, a
//! connector in its own code, the log in a call to its storage. The supervisor waits for each of them with a limit. It has a thread
//! and timers of its own, so that nothing that blocks the service's runtime keeps it from ending the job. A connector whose code may
//! block has a runtime of its own (`connectors`), so that it does
//! not block the service's.
//!
//! Invariants: no thread or task spins; no queue is unbounded (parts are bounded by the batches in flight);
//! a batch is delivered whole and in order or not at all.

mod backpressure;
pub(crate) mod checkpoint_settings;
mod cluster;
mod connector_events;
mod connector_threads;
mod control;
mod job;
mod job_log;
mod log_forwarding;
mod pid;
mod resume;
mod supervisor;
mod targets;
mod watchdog;
mod wiring;
mod worker;

use std::{
    sync::{
        Arc,
        mpsc::{
            RecvTimeoutError, {self},
        },
    },
    time::{Duration, Instant, SystemTime},
};

use backpressure::Backpressure;
use checkpoint_settings::{Checkpoint, within};
pub use cluster::Cluster;
use cluster::{Link, Peers, ProgramHello, Role};
use control::{Control, ControlSettings};
pub use job::Job;
use job_log::Notes;
pub use pid::{Pid, PidEstimator};
use resume::{Beginning, SourceAt, Written};
use supervisor::Supervisor;
use timely::CommunicationConfig;
pub use wiring::{Flow, InPort, OutPort, Pipeline, Value, Wiring};
use wiring::{SinkTask, SourceTask};
pub use worker::LocalWorker;
use worker::{Built, Exit, Noting, Reach, Resume, WorkerStart};

use crate::{
    build_error::BuildError,
    clock::{
        Clock, ManualClock, ReadTime, {self},
    },
    error::StartError,
    intake::admission::Admissions,
    observe::{
        listener::{Listener, Listeners},
        metrics::{Board, BoardSettings, Port},
    },
    time::TimeSpan,
};

/// Settings for jobs, and the way to start them.
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
    system_time: ReadTime,
    close_early: bool,
    skip_missed_batches: bool,
    min_batch: Duration,
    in_flight: usize,
    queue: usize,
    max_rate: Option<f64>,
    backpressure: Option<Pid>,
    memory_limit: u64,
    listeners: Vec<Arc<dyn Listener>>,
    metered: bool,
    cluster: Option<Cluster>,
    checkpoint: Option<Checkpoint>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// The defaults: one worker, the system's clock, batches that close at their boundaries only, 8 batches in flight, queues of 64
    /// chunks of up to 1,024 records from a source to a worker, 1 GiB of input in all, no limit of rates.
    pub fn new() -> Self {
        Engine {
            workers: 1,
            name: None,
            clock: None,
            system_time: Arc::new(SystemTime::now),
            close_early: false,
            skip_missed_batches: false,
            min_batch: Duration::ZERO,
            in_flight: 8,
            queue: 64,
            max_rate: None,
            backpressure: None,
            memory_limit: 1 << 30,
            listeners: Vec::new(),
            metered: true,
            cluster: None,
            checkpoint: None,
        }
    }

    /// Worker threads of each job, in each process: 1 by default. More than the machine's cores only adds switching.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The name of the jobs in logs and threads; by default the pipeline's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Takes time from `clock`, which a test moves.
    pub fn manual_clock(mut self, clock: &ManualClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// The system's clock, for tests of what happens when it is set, or when the machine was suspended:
    /// [`SystemTime::now`] by default. How stream time follows it: see [time](crate::guide::semantics#time). A
    /// [`manual_clock`](Engine::manual_clock) follows nothing.
    ///
    /// ```
    /// use std::{sync::{Arc, atomic::{AtomicU64, Ordering}}, time::SystemTime};
    /// use streaming_runtime::prelude::*;
    ///
    /// let hours_off = Arc::new(AtomicU64::new(0));
    /// let off = hours_off.clone();
    /// let engine = Engine::new().system_time(move || SystemTime::now() + hours(off.load(Ordering::Relaxed)));
    /// hours_off.store(1, Ordering::Relaxed); // in the middle of a job, say
    /// # let _ = engine;
    /// ```
    pub fn system_time(mut self, read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.system_time = Arc::new(read);
        self
    }

    /// Also closes a batch between the regular boundaries, as soon as it contains everything that was sent: for latencies of
    /// microseconds instead of batch intervals. Off by default. Results per batch then come per early batch; windows are cut as
    /// without. Under load, batches grow by themselves: one closes only when the queues are drained and fewer than
    /// [`in_flight`](Engine::in_flight) batches are on their way. An idle source does not delay it.
    pub fn close_early(mut self, early: bool) -> Self {
        self.close_early = early;
        self
    }

    /// Skips late batches instead of making them one by one: after an absence (a job goes on from its checkpoint, a machine was
    /// suspended), and when a job is behind. Off by default, as in Spark: each interval has its batch, empty or not. (A day of batches of one second took 7 s in a debug build, 9 s with a checkpoint: the test
    /// `endings::absence::a_day_away`, which is run by its name.)
    ///
    /// With it, everything that has arrived is in one batch at the last boundary that has passed, and there is no batch between it
    /// and the one before.
    ///
    /// - No window loses records: the next slide behind the last records is always delivered.
    /// - What depends on time works as if the batches had been there: windows have slid over the gap, and idle keys expire in the
    ///   first batch after it.
    /// - What depends on the number of batches sees fewer: `count` delivers no 0 for skipped batches, `update_state` is not called,
    ///   and slides that would repeat a window are not delivered.
    /// - A paced source, such as a queue, is asked once.
    ///
    /// Not in a [`cluster`](Engine::cluster).
    pub fn skip_missed_batches(mut self, skip: bool) -> Self {
        self.skip_missed_batches = skip;
        self
    }

    /// The least time between two batches that close early: 0 by default. A larger value costs less CPU per record, and adds that
    /// much latency.
    pub fn min_batch(mut self, least: impl TimeSpan) -> Self {
        self.min_batch = least.duration();
        self
    }

    /// How many batches may be closed and not yet delivered: 8 by default, from 1 to 1,024. At the limit, the open batch stays open
    /// and sources wait.
    pub fn in_flight(mut self, batches: usize) -> Self {
        self.in_flight = batches;
        self
    }

    /// How many chunks, of up to 1,024 records each, the queue from one source to one worker may hold: 64 by default, at least 1. At
    /// the limit the source waits until half of the queue is empty.
    pub fn queue(mut self, chunks: usize) -> Self {
        self.queue = chunks;
        self
    }

    /// The most records per second that each source may send, Spark's `spark.streaming.receiver.maxRate`; more than 0. Nothing is
    /// dropped: a source waits in [`SourceContext::send`](crate::connect::SourceContext::send), and large sends are cut, so that the limit holds
    /// within a batch, too. A source that was idle may catch up on a tenth of a second.
    ///
    /// Seconds are by the job's clock, also under a [`ManualClock`](crate::ManualClock). Not limited are paced sources
    /// ([`Source::PACED`](crate::Source::PACED): queues of batches, directories), and a job that is being stopped, which takes what its
    /// sources have accepted.
    pub fn max_rate(mut self, records_per_second: f64) -> Self {
        self.max_rate = Some(records_per_second);
        self
    }

    /// Sets the rate of each source after each batch, by what the job could process: Spark's
    /// `spark.streaming.backpressure.enabled`. Batches then stay as large as fits their interval, and excess input waits before the
    /// source. The rate never exceeds [`max_rate`](Engine::max_rate), and follows its rules.
    ///
    /// Without it, sources wait when the job's queues are full. That bounds memory, but not how long a record waits in the queues.
    pub fn backpressure(mut self, pid: Pid) -> Self {
        self.backpressure = Some(pid);
        self
    }

    /// The most bytes of input that a job may hold, 1 GiB by default: records in queues, in the open batch and in batches in flight.
    /// At the limit sources wait until a batch is delivered. [`Job::memory`] has the current value.
    ///
    /// Not in it: state of operators (windows, states, joins) and their output, and what waits before the job, in a
    /// [`channel`](crate::connect::channel()) or a socket.
    ///
    /// - If the open batch alone reaches the limit, input waits for the batch's boundary; with [`close_early`](Engine::close_early)
    ///   the batch closes.
    /// - A piece of up to 1,024 records that is larger than the limit goes alone. The batch of a paced source is such a piece: the
    ///   source is asked when there is room, and its batch may then exceed the limit. So may what sources have accepted when the job
    ///   is stopped.
    /// - The size of a record is its size in memory, plus what it has on the heap. The latter is estimated through serde on one
    ///   record of 64 of each piece: strings and lists by length, with 16 bytes per allocation. For strings and numbers this is about a
    ///   fifth off at most. Capacity beyond the length, and what serde does not show, is not seen.
    /// - Half as much again is added for the allocator, so that the limit holds for resident memory. A sink that gathers a batch
    ///   may have capacity of up to twice the records' own size.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Whether operators are metered. On by default; costs 0-6 % of throughput (`benches -- observed`). Without it,
    /// [`JobMetrics::operators`](crate::JobMetrics::operators) are all 0, and [`Job::explain`] names no operator.
    pub fn metrics(mut self, metered: bool) -> Self {
        self.metered = metered;
        self
    }

    /// Keeps checkpoints. What the job takes in and keeps of each batch is on disk before the batch is delivered. The same job,
    /// started on the same directory, goes on where the last one stopped or crashed, with any number of workers; for several
    /// processes see [`Cluster`]. Its output is as if there had been no crash, with
    /// [sources and sinks that can do their part](crate::guide::after_a_crash#what-is-guaranteed).
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{queue, text_files}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         let all = orders.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
    ///         all.allow_unbounded("one number a customer").to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let directory = tempfile::tempdir()?;
    ///     let clock = ManualClock::new();
    ///     for batches in 1..=3 {
    ///         // As if the process had been started anew, with all orders so far.
    ///         let orders = [(1, 10), (2, 7), (1, 5)][..batches].iter().map(|order| vec![*order]).collect();
    ///         let out = text_files(directory.path().join("out/totals")).debug();
    ///         let engine = Engine::new().checkpoint(directory.path().join("state")).manual_clock(&clock);
    ///         let mut job = engine.start(totals::Ports { orders: queue(orders), out })?;
    ///         clock.advance(secs(1));
    ///         job.join().await?;
    ///     }
    ///     let last = std::fs::read_to_string(directory.path().join("out/totals-3000/part-00000"))?;
    ///     let mut lines: Vec<&str> = last.lines().collect();
    ///     lines.sort();
    ///     assert_eq!(lines, ["(1, 15)", "(2, 7)"]);
    ///     Ok(())
    /// }
    /// ```
    pub fn checkpoint(mut self, checkpoint: impl Into<Checkpoint>) -> Self {
        self.checkpoint = Some(checkpoint.into());
        self
    }

    /// Runs each job together with the other processes of `cluster`, which start the same pipeline. One job at a time: the processes
    /// listen at the cluster's addresses until all are there.
    ///
    /// Settings for time, early closing and batches in flight are those of process 0.
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Tells `listener` of every job that is started.
    pub fn listener(mut self, listener: impl Listener) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }

    /// Starts a pipeline on connectors and values given by name, with its workers on threads of their own. Returns when each worker
    /// has built its dataflow, which takes no longer than the pipeline's body does.
    ///
    /// # Errors
    /// [`StartError`]: no tokio runtime here, a setting out of range, no thread available, or a body that makes no dataflow
    /// ([`BuildError`](crate::BuildError)). The processes of a [`Cluster`] build their dataflows when all are there, so a job of a
    /// cluster reports the last one when it is joined: [`JobError::Build`](crate::JobError::Build).
    pub fn start<P: Pipeline>(&self, pipeline: P) -> Result<Job, StartError> {
        let (runtime, wiring) = self.wire(pipeline)?;
        let (together, reaches) = match &self.cluster {
            Some(cluster) => self.join(cluster, (P::NAME, P::BATCH, P::PLAN, P::OPERATORS))?,
            None => (None, self.alone()?),
        };
        let (mut prepared, seats) = self.prepare::<P>(wiring, &runtime, together)?;
        let (exits, exited) = tokio::sync::mpsc::unbounded_channel();
        for (index, (seat, reach)) in seats.into_iter().zip(reaches).enumerate() {
            let name = thread_name(&format!("{}-{index}", prepared.name));
            if let Err(source) = worker::spawn(name, seat, reach, exits.clone()) {
                prepared.control.abort();
                return Err(StartError::Thread { worker: index, source });
            }
        }
        if prepared.together.is_none() {
            stands(&prepared)?;
            fits(&mut prepared)?;
        }
        self.supervise(&runtime, prepared, exited)
    }

    /// Starts a pipeline with one worker that runs where it is polled, in a `current_thread` runtime, for the lowest latency: a record
    /// crosses no thread, and takes about 10 us instead of about 50.
    ///
    /// Use it where the work of a batch is short and the runtime's thread has time to spare: a step of an operator is not
    /// interrupted, and every other task of the thread waits for it. Use [`start`](Engine::start) for everything else: it takes the
    /// work off the runtime, and uses as many cores as there are [`workers`](Engine::workers).
    ///
    /// ```
    /// use streaming_runtime::{connect::{channel, collect}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn doubled<numbers: Source<u64>, out: Sink<u64>>() {
    ///         numbers.map(|n| 2 * n).to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (sender, numbers) = channel(1024);
    ///     let (out, results) = collect();
    ///     let (mut job, worker) = Engine::new().close_early(true).start_local(doubled::Ports { numbers, out })?;
    ///     let service = async {
    ///         sender.send_tracked(21).await?.await?;
    ///         assert_eq!(results.records(), [42]);
    ///         job.stop().await?;
    ///         Ok(())
    ///     };
    ///     tokio::join!(service, worker).0 // or `spawn_local(worker)` in a `LocalSet`
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StartError`]: no tokio runtime here, a setting out of range, or a body that makes no dataflow
    /// ([`BuildError`](crate::BuildError)); [`workers`](Engine::workers) must be 1.
    pub fn start_local<P: Pipeline>(&self, pipeline: P) -> Result<(Job, LocalWorker), StartError> {
        if self.workers != 1 {
            let workers = self.workers;
            return Err(StartError::Config(format!("a local job has one worker, and not {workers}")));
        }
        if self.cluster.is_some() {
            return Err(StartError::Config("the workers of a cluster have threads of their own".to_owned()));
        }
        let (runtime, wiring) = self.wire(pipeline)?;
        let (mut prepared, mut seats) = self.prepare::<P>(wiring, &runtime, None)?;
        let (exits, exited) = tokio::sync::mpsc::unbounded_channel();
        let seat = seats.pop().expect("one worker has one seat");
        let worker = LocalWorker::new(seat, exits).map_err(StartError::Build)?;
        fits(&mut prepared)?;
        Ok((self.supervise(&runtime, prepared, exited)?, worker))
    }

    /// Checks the settings and wires the ports.
    fn wire<P: Pipeline>(&self, pipeline: P) -> Result<(tokio::runtime::Handle, Wiring), StartError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let within = |what: &str, n: usize, most: usize| match (1..=most).contains(&n) {
            true => Ok(()),
            false => Err(StartError::Config(format!("{what} must be between 1 and {most}, and it is {n}"))),
        };
        within("the number of workers", self.workers, 256)?;
        if self.skip_missed_batches && self.cluster.is_some() {
            let what =
                "the processes of a cluster cannot skip missed batches: drop `skip_missed_batches(true)`";
            return Err(StartError::Config(what.to_owned()));
        }
        within("the number of batches in flight", self.in_flight, 1024)?;
        within("the queue's number of chunks", self.queue, 1 << 20)?;
        let mut wiring = Wiring::new(self.workers, self.queue, self.gates()?, self.checkpoint.is_some());
        pipeline.wire(&mut wiring);
        Ok((runtime, wiring))
    }

    /// How workers reach each other that are all in this process.
    fn alone(&self) -> Result<Vec<Reach>, StartError> {
        let communication = match self.workers {
            1 => CommunicationConfig::Thread,
            n => CommunicationConfig::Process(n),
        };
        let (allocators, _) = communication.try_build().map_err(StartError::Config)?;
        Ok(allocators.into_iter().map(Box::new).map(Reach::Here).collect())
    }

    /// How workers reach each other that are in the processes of a cluster.
    fn join(
        &self,
        cluster: &Cluster,
        (name, interval, plan, operators): (&str, Duration, &str, &[&str]),
    ) -> Result<(Option<Together>, Vec<Reach>), StartError> {
        cluster.check().map_err(StartError::Config)?;
        let program = ProgramHello::new(
            name,
            interval,
            plan,
            operators,
            (cluster.processes(), self.workers),
            self.checkpoint.is_some(),
        );
        let (seats, reaches): (Vec<_>, Vec<_>) = (0..self.workers).map(|_| mpsc::channel()).unzip();
        let together = Link::new(cluster.clone(), program, seats);
        Ok((Some(together), reaches.into_iter().map(Reach::Cluster).collect()))
    }

    /// What lets records in, within their limits.
    fn gates(&self) -> Result<Admissions, StartError> {
        if let Some(rate) = self.max_rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
            let no_limit = "leave it out for no limit";
            return Err(StartError::Config(format!(
                "the largest rate must be more than 0, and it is {rate}; {no_limit}"
            )));
        }
        if self.memory_limit == 0 {
            return Err(StartError::Config("the memory limit must be at least 1 byte".to_owned()));
        }
        let clock = match &self.clock {
            Some(clock) => Clock::Manual(clock.of_job()),
            None => Clock::system(self.system_time.clone()),
        };
        Ok(Admissions::new(clock, self.max_rate, self.backpressure.is_some(), self.memory_limit))
    }

    /// What is compiled once, whatever the pipeline: everything but the workers and the supervisor.
    fn prepare<P: Pipeline>(
        &self,
        wiring: Wiring,
        runtime: &tokio::runtime::Handle,
        together: Option<Together>,
    ) -> Result<(Prepared, Vec<WorkerStart>), StartError> {
        let (interval, operators) = (P::BATCH, P::OPERATORS);
        let name = self.name.clone().unwrap_or_else(|| P::NAME.to_owned());
        targets::claim(&name, &wiring, self.checkpoint.as_ref())?;
        let (beginning, resumes) = self.beginning::<P>(&wiring)?;
        let Wiring { signals, books, gates, mut sources, sinks, ends, builds, .. } = wiring;
        let backpressure =
            self.backpressure.map(|pid| Backpressure::new(pid, interval, &gates.throttles, self.workers));
        let (orders, order_ends): (Vec<_>, Vec<_>) = signals
            .iter()
            .map(|signal| {
                let (send, receive) = mpsc::channel();
                ((send, signal.clone()), receive)
            })
            .unzip();
        let board = Board::new(BoardSettings {
            job: name.clone(),
            limit: self.in_flight,
            closes_early: self.close_early,
            is_metered: self.metered,
            workers: self.workers,
            sources: sources
                .iter_mut()
                .map(|source| Port {
                    name: source.port,
                    queues: std::mem::take(&mut source.queues),
                    is_alone: source.may_block,
                })
                .collect(),
            sinks: sinks
                .iter()
                .map(|sink| Port { name: sink.port, queues: Vec::new(), is_alone: sink.may_block })
                .collect(),
            operators,
            gates,
        });
        let settings = ControlSettings {
            backpressure: backpressure.transpose()?,
            interval,
            limit: self.in_flight,
            early: self.close_early.then_some(self.min_batch),
            skips_missed: self.skip_missed_batches,
            listeners: Arc::new(Listeners::new(self.listeners.clone(), board.clone(), runtime.clone())),
            board,
            sources: sources.iter().map(|source| source.port).collect(),
            cuts: sources.iter().map(|source| source.cut.clone()).collect(),
            sinks: sinks.len(),
            peers: together.as_ref().map(|(_, peers, _)| peers.clone()),
        };
        let control = Arc::new(Control::new(settings, orders, books));
        let (built, building) = mpsc::channel();
        let seed = rand::random();
        let seats = ends.into_iter().zip(builds).zip(order_ends).zip(signals).zip(resumes);
        let seats = seats
            .enumerate()
            .map(|(seat, ((((ends, build), orders), signal), recovery))| {
                let control = control.clone();
                let built = built.clone();
                WorkerStart { seat, ends, build, orders, signal, control, seed, built, recovery }
            })
            .collect();
        Ok((Prepared { name, control, sources, sinks, together, beginning, building }, seats))
    }

    /// What is to be done before the first batch of a job with checkpoints, and how its workers hear of it.
    fn beginning<P: Pipeline>(
        &self,
        wiring: &Wiring,
    ) -> Result<(Option<Beginning>, Vec<Option<Resume>>), StartError> {
        let Some(settings) = self.checkpoint.clone() else {
            return Ok((None, (0..self.workers).map(|_| None).collect()));
        };
        settings.check(wiring)?;
        let (place, calls) = settings.storage();
        let leads = self.cluster.as_ref().is_none_or(|cluster| cluster.index == 0);
        let notes = Arc::new(Notes::default());
        let written = if leads {
            let opened = within(&calls, || crate::checkpoint::open(place.place()?));
            Written::Here(Box::new(opened.map_err(StartError::Checkpoint)?))
        } else {
            let storage = within(&calls, || place.place()).map_err(StartError::Checkpoint)?;
            Written::AtLeader { storage, notes: notes.clone() }
        };
        let (built, said) = tokio::sync::mpsc::unbounded_channel();
        let (workers, resumes) = (0..self.workers)
            .map(|seat| {
                let (send, restored) = tokio::sync::oneshot::channel();
                let of_process = (seat == 0 && !leads).then(|| notes.clone());
                let notes = self.cluster.is_some().then_some(Noting { leads, of_process });
                (send, Some(Resume { built: built.clone(), restored, notes }))
            })
            .unzip();
        let beginning = Beginning {
            pipeline: P::NAME,
            marks: P::MARKS,
            feeds: P::FEEDS,
            settings,
            calls,
            written,
            each: self.workers,
            built: said,
            checked: None,
            workers,
            sources: wiring.sources.iter().map(SourceAt::of).collect(),
            sinks: Vec::new(),
            sink_marks: wiring.sinks.iter().map(|sink| (sink.port, sink.mark.clone())).collect(),
            opening: None,
            journal: wiring.log.clone(),
        };
        Ok((Some(beginning), resumes))
    }

    fn supervise(
        &self,
        runtime: &tokio::runtime::Handle,
        prepared: Prepared,
        exited: tokio::sync::mpsc::UnboundedReceiver<Exit>,
    ) -> Result<Job, StartError> {
        let Prepared { name, control, sources, sinks, together, beginning, building: _ } = prepared;
        let commands = tokio::sync::mpsc::unbounded_channel();
        let role = match together {
            Some((link, _, role)) => {
                link.spawn(&name, control.clone(), commands.0.clone()).map_err(|source| {
                    control.abort();
                    StartError::Cluster(source)
                })?;
                Some(role)
            }
            None => None,
        };
        tracing::info!(job = name, workers = self.workers, interval = ?control.interval, "job started");
        let connectors = (sources, sinks);
        let begin = (beginning, role);
        let aborts = control.clone();
        Supervisor::spawn(runtime, name, control, connectors, (exited, self.workers), commands, begin)
            .inspect_err(|_| aborts.abort())
    }
}

/// A job whose workers are about to start.
struct Prepared {
    name: String,
    control: Arc<Control>,
    sources: Vec<SourceTask>,
    sinks: Vec<SinkTask>,
    together: Option<Together>,
    beginning: Option<Beginning>,
    /// Where each worker says that its dataflow stands.
    building: mpsc::Receiver<Built>,
}

/// What a job is that runs in several processes: the connections, and who tells and hears.
type Together = (Link, Peers, Role);

/// How long a worker may take to put its dataflow together: a body that waits for something would keep `start` for ever.
const BUILD_LIMIT: Duration = Duration::from_secs(60);

/// Waits until each worker has put its dataflow together; ends them all if one cannot.
fn stands(prepared: &Prepared) -> Result<(), StartError> {
    let deadline = Instant::now() + BUILD_LIMIT;
    let mut wrong: Option<Built> = None;
    loop {
        match prepared.building.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            // The first of them by place, so that the same program always says the same.
            Ok((seat, built)) => {
                if built.is_err() && wrong.as_ref().is_none_or(|(first, _)| seat < *first) {
                    wrong = Some((seat, built));
                }
            }
            // All have said it, or have gone without a word, of which the supervisor hears.
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                wrong = Some((0, Err(BuildError::Stuck { limit: BUILD_LIMIT })));
                break;
            }
        }
    }
    let stands = wrong.map_or(Ok(()), |(_, built)| built.map_err(StartError::Build));
    if stands.is_err() {
        prepared.control.abort();
    }
    stands
}

/// Compares what the workers have built with what the checkpoint has; ends them if it does not fit.
fn fits(prepared: &mut Prepared) -> Result<(), StartError> {
    let Some(beginning) = &mut prepared.beginning else { return Ok(()) };
    beginning.check(&prepared.control.board).map_err(|error| {
        prepared.control.abort();
        StartError::Checkpoint(error)
    })
}

/// What a thread of a job is called. A job may have any name; a thread's has no NUL in it.
fn thread_name(name: &str) -> String {
    name.replace('\0', "\u{fffd}")
}

/// Graceful stops take at most this long unless told otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(30);
