//! The handle of a running job.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use crate::{
    engine::control::Control,
    error::{JobError, Outcome},
    intake::admission::Memory,
    observe::{explain::Explanation, metrics::JobMetrics, monitor::Monitor, plan::Plan},
    time::BatchTime,
};

/// Graceful stops take at most this long unless told otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// What the supervisor can be asked for.
pub(crate) enum Command {
    Stop(Duration),
    /// Another process has ended the job, or could not be found.
    Fail(JobError),
    Abort,
}

/// A running job. Dropping it aborts the job: no batch that was not whole becomes visible.
#[must_use = "dropping a job aborts it: `join` it, `stop` it or keep it"]
pub struct Job {
    pub(crate) name: String,
    pub(crate) control: Arc<Control>,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    pub(crate) outcome: watch::Receiver<Option<Outcome>>,
}

impl Job {
    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A handle for looking at the job from anywhere, also while somebody waits for its end, and after it.
    pub fn monitor(&self) -> Monitor {
        Monitor(self.control.board.clone())
    }

    /// The job in numbers, now; see [`Monitor::metrics`].
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn counts<words: Source<String>, out: Sink<(String, i64)>>() {
    ///         words.window(secs(10), secs(1)).count_by_value().to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let words = ["to", "be", "or", "not", "to", "be"].map(str::to_owned).to_vec();
    ///     let (clock, (out, _)) = (ManualClock::new(), collect());
    ///     let mut job = Engine::new().manual_clock(&clock).start(counts::Ports { words: queue(vec![words]), out })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     let metrics = job.metrics();
    ///     assert_eq!((metrics.records, metrics.batches_delivered), (6, 1));
    ///     let count = metrics.operator("counts/out/count_by_value").expect("it is one of OPERATORS");
    ///     assert_eq!((count.records_in, count.records_out), (6, 4));
    ///     Ok(())
    /// }
    /// ```
    pub fn metrics(&self) -> JobMetrics {
        self.control.board.metrics()
    }

    /// The job's plan, to print and to draw; see [`Monitor::plan`](crate::Monitor::plan).
    ///
    /// ```no_run
    /// # fn show(job: &streaming_runtime::Job) {
    /// eprintln!("{}", job.plan()); // a tree; `.mermaid()` and `.dot()` are drawings, and serde makes JSON of it
    /// # }
    /// ```
    pub fn plan(&self) -> Plan {
        self.monitor().plan()
    }

    /// What each sink waits for, in the order of the ports.
    ///
    /// ```no_run
    /// # fn show(job: &streaming_runtime::Job) {
    /// for sink in job.explain() {
    ///     println!("{sink}"); // sink `counts`: delivered up to 2026-11-30 22:13:20.000 UTC; waits for source `clicks`, idle for 41s
    /// }
    /// # }
    /// ```
    pub fn explain(&self) -> Vec<Explanation> {
        self.monitor().explain()
    }

    /// Warnings of the start; see [`Monitor::warnings`](crate::Monitor::warnings).
    pub fn warnings(&self) -> Vec<String> {
        self.monitor().warnings()
    }

    /// Waits until the job ends: all sources have ended and everything is delivered, including open windows
    /// ([the end](crate::guide::semantics#the-end)); or it was stopped; or something failed. Can be called again, also after the end.
    ///
    /// # Errors
    /// What ended the job, see [`JobError`].
    pub async fn join(&mut self) -> Result<(), JobError> {
        self.ended().await
    }

    /// Boxed, so that what is waited for is not compiled with the program.
    fn ended(&mut self) -> Pin<Box<dyn Future<Output = Result<(), JobError>> + Send + '_>> {
        Box::pin(self.outcome_known())
    }

    async fn outcome_known(&mut self) -> Result<(), JobError> {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => (**outcome.as_ref().expect("it was waited for")).clone(),
            Err(_) => Err(JobError::RuntimeGone),
        }
    }

    /// Stops the sources, closes the last batch with everything that they have sent, and waits until every sink has taken it; at most
    /// 30 s. Open windows are delivered, too; with a checkpoint they stay there, and are delivered after the next start. See [the end](crate::guide::semantics#the-end).
    ///
    /// # Errors
    /// As [`stop_within`](Job::stop_within).
    pub async fn stop(&mut self) -> Result<(), JobError> {
        self.stop_within(STOP_LIMIT).await
    }

    /// As [`stop`](Job::stop), with your own limit. It returns a second after the limit at the latest, or two if threads of several
    /// kinds are stuck. A connector, a worker or a disk that hangs is left behind.
    ///
    /// # Errors
    /// [`JobError::StopTimedOut`] when the limit passed and the job was aborted; it says what held the job up. Otherwise what ended the
    /// job.
    pub async fn stop_within(&mut self, limit: Duration) -> Result<(), JobError> {
        // Nobody listens once the job has ended, and then there is nothing to stop.
        let _ = self.commands.send(Command::Stop(limit));
        self.join().await
    }

    /// Ends the job at once. Batches in flight are dropped; what the sinks have taken stays. Threads that do not end within a second are
    /// left behind, and named in the log.
    pub async fn abort(mut self) {
        let _ = self.commands.send(Command::Abort);
        let _ = self.join().await;
    }

    /// The input that the job holds now, and the limit; see [`Engine::memory_limit`](crate::Engine::memory_limit).
    pub fn memory(&self) -> Memory {
        self.control.board.admissions.account.memory()
    }

    /// The records per second that each source may send now, by port; `None` where there is no limit. See [`Engine::max_rate`](crate::Engine::max_rate) and [`Engine::backpressure`](crate::Engine::backpressure).
    pub fn rates(&self) -> Vec<(&'static str, Option<f64>)> {
        self.control.board.admissions.throttles.iter().map(|source| (source.port, source.limit())).collect()
    }

    /// The records that each source has dropped because the job was behind, by port. Only sources that are
    /// [`shedding`](crate::connect::shedding()) drop records.
    pub fn shed(&self) -> Vec<(&'static str, u64)> {
        self.control.board.admissions.throttles.iter().map(|source| (source.port, source.shed())).collect()
    }

    /// The records that each [`skip`](crate::Stream::skip) of the pipeline has dropped so far, by the operator's id, also after the
    /// end. A batch is delivered after its records are counted.
    pub fn skipped(&self) -> Vec<(&'static str, u64)> {
        self.control.board.skipped.totals()
    }

    /// Waits until every sink has taken the batch at `time` and all batches before it, or all that there are if the job ends well
    /// before that.
    ///
    /// # Errors
    /// The failure that ended the job, if it came first.
    pub async fn delivered(&mut self, time: BatchTime) -> Result<(), JobError> {
        let mut delivered = self.control.watch_delivered();
        tokio::select! {
            biased;
            _ = delivered.wait_for(|last| last.is_some_and(|last| last >= time)) => Ok(()),
            result = self.join() => result,
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Abort);
    }
}
