//! The settings of an engine.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    clock::{Clock, ManualClock, ReadTime},
    engine::{checkpoint_settings::Checkpoint, cluster::Cluster, pid::Pid},
    error::StartError,
    intake::admission::Admissions,
    observe::listener::Listener,
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
    pub(super) workers: usize,
    pub(super) name: Option<String>,
    pub(super) clock: Option<ManualClock>,
    pub(super) system_time: ReadTime,
    pub(super) close_early: bool,
    pub(super) skip_missed_batches: bool,
    pub(super) min_batch: Duration,
    pub(super) in_flight: usize,
    pub(super) queue: usize,
    pub(super) max_rate: Option<f64>,
    pub(super) backpressure: Option<Pid>,
    pub(super) memory_limit: u64,
    pub(super) listeners: Vec<Arc<dyn Listener>>,
    pub(super) metered: bool,
    pub(super) cluster: Option<Cluster>,
    pub(super) checkpoint: Option<Checkpoint>,
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
    /// within a batch, too. A source that was idle may catch up on a tenth of a second. The [partitions](crate::connect::Partition) of a
    /// source share its rate by how many records wait behind each, as Spark's direct stream does.
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
    /// At the limit sources wait until a batch is delivered. [`Job::memory`](crate::Job::memory) has the current value.
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
    /// [`JobMetrics::operators`](crate::metrics::JobMetrics::operators) are all 0, and [`Job::explain`](crate::Job::explain) names no operator.
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

    /// Checks the settings that concern no port.
    pub(super) fn check(&self) -> Result<(), StartError> {
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
        within("the queue's number of chunks", self.queue, 1 << 20)
    }

    /// The limits under which records are let in.
    pub(super) fn admissions(&self) -> Result<Admissions, StartError> {
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
}
