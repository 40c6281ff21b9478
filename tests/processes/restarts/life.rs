//! One life of a job of several processes, from its start to its end.

use super::*;

pub(super) type Batches = Vec<Vec<Pair>>;
pub(super) type Table = BTreeMap<BatchTime, Vec<String>>;

/// A sink of one process that lasts. It takes each batch `ONCE`, and says what it has; or it replaces what it had.
#[derive(Clone, Debug, Default)]
pub(super) struct Own<const ONCE: bool>(pub(super) Arc<Mutex<Table>>);

impl<T: Debug + Send + 'static, const ONCE: bool> Sink<T> for Own<ONCE> {
    const DELIVERY: Delivery = if ONCE { Delivery::Transactional } else { Delivery::Idempotent };

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        Ok(self.0.lock().expect("no panic").last_key_value().map(|(time, _)| *time))
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let records = batch.records.iter().map(|record| format!("{record:?}")).collect();
        let before = self.0.lock().expect("no panic").insert(batch.time, records);
        match before {
            Some(_) if ONCE => Err(ConnectorError::other(format!("the batch at {} came again", batch.time))),
            _ => Ok(()),
        }
    }
}

/// The sinks of all processes, by port and process.
#[derive(Default)]
pub(super) struct Sinks<const ONCE: bool>(pub(super) BTreeMap<(&'static str, usize), Own<ONCE>>);

impl<const ONCE: bool> Sinks<ONCE> {
    pub(super) fn of(&mut self, port: &'static str, process: usize) -> Own<ONCE> {
        self.0.entry((port, process)).or_default().clone()
    }

    /// What there is of each port, of all processes together. An empty batch is as good as none.
    pub(super) fn together(&self) -> BTreeMap<&'static str, Table> {
        let mut all = BTreeMap::<_, Table>::new();
        for ((port, _), sink) in &self.0 {
            for (time, records) in &*sink.0.lock().expect("no panic") {
                all.entry(*port).or_default().entry(*time).or_default().extend(records.iter().cloned());
            }
        }
        for batches in all.values_mut() {
            batches.retain(|_, records| !records.is_empty());
            batches.values_mut().for_each(|records| records.sort());
        }
        all
    }
}

/// How a run ends, after so many more batches, and in how many processes and workers it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) processes: usize,
    pub(super) workers: usize,
    pub(super) batches: u64,
    /// Which process is aborted, and when; or it is stopped in order.
    pub(super) aborted: Option<(usize, u64)>,
}

pub(super) const BATCHES: u64 = 12;
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn soon<T>(what: impl Future<Output = T>, of: impl Debug) -> T {
    timeout(PATIENCE, what).await.unwrap_or_else(|_| panic!("it takes too long: {of:?}"))
}

pub(super) fn is_refused(error: &JobError) -> bool {
    let words = error.to_string();
    words.contains("start once more with") || words.contains("Start with")
}

/// Tells when all processes are there.
#[derive(Clone, Default)]
pub(super) struct Begun(pub(super) Arc<Notify>);

impl Begun {
    pub(super) async fn wait(&self, job: &mut Job) {
        tokio::select! {
            biased;
            () = self.0.notified() => {}
            _ = soon(job.join(), "to begin") => {}
        }
    }
}

impl Listener for Begun {
    fn started(&self) {
        self.0.notify_one();
    }
}

/// One program over its whole life.
pub(super) struct Life<'a, const ONCE: bool> {
    pub(super) directory: &'a Path,
    pub(super) clock: ManualClock,
    pub(super) at: u64,
    pub(super) sinks: Sinks<ONCE>,
    pub(super) pairs: [&'a Batches; 2],
    pub(super) others: &'a Batches,
}

impl<const ONCE: bool> Life<'_, ONCE> {
    pub(super) fn start(&mut self, run: Run, begun: &Begun) -> Vec<Job> {
        let hosts = hosts(run.processes);
        let start = |process| {
            let cluster = Cluster::new(hosts.clone(), process).silence(secs(20)).gather_within(secs(10));
            let engine = Engine::new().workers(run.workers).manual_clock(&self.clock).cluster(cluster);
            let engine = if process == 0 { engine.listener(begun.clone()) } else { engine };
            let engine = engine.checkpoint(Checkpoint::new(self.directory).exactly_once());
            // Two processes have pairs, one has the others; who is left out has ended from the start.
            let pairs = self.pairs.get(process).map(|batches| queue((*batches).clone()));
            let others = (process == 0).then(|| queue(self.others.clone()));
            let mut sink = |port| self.sinks.of(port, process);
            let ports = families::Ports {
                pairs,
                others,
                window: sink("window"),
                joined: sink("joined"),
                updated: sink("updated"),
                mapped: sink("mapped"),
                reached: sink("reached"),
                total: sink("total"),
            };
            engine.start(ports).expect("it starts")
        };
        (0..run.processes).map(start).collect()
    }

    /// Runs it until it is stopped as it says, or has ended; whether it was not refused.
    pub(super) async fn run(&mut self, run: Run, to_the_end: bool) -> bool {
        let begun = Begun::default();
        let mut jobs = self.start(run, &begun);
        let upto = if to_the_end { BATCHES } else { (self.at + run.batches).min(BATCHES) };
        let is_first = self.at == 0;
        if is_first {
            // A job that is stopped before its first batch has no beginning to go on from, nor has a clock that is
            // moved before there is one.
            begun.wait(&mut jobs[0]).await;
            self.clock.advance(secs(1));
            self.at = 1;
            let first = jobs[0].delivered(BatchTime::from_millis(1000));
            soon(first, run).await.expect("the first batch");
        }
        while self.at < upto {
            self.clock.advance(secs(1));
            self.at += 1;
            tokio::task::yield_now().await;
        }
        let mut aborted = None;
        match run.aborted {
            _ if to_the_end => {}
            Some((process, micros)) => {
                // Some before all are there, most behind.
                if !is_first && micros % 8 > 0 {
                    begun.wait(&mut jobs[0]).await;
                }
                tokio::time::sleep(Duration::from_micros(micros)).await;
                aborted = Some(process % run.processes);
                soon(jobs.remove(process % run.processes).abort(), run).await;
            }
            None if is_first => drop(soon(jobs[0].stop(), run).await),
            None => {
                // Who leaves before all are there leaves the others waiting.
                begun.wait(&mut jobs[0]).await;
                drop(soon(jobs[0].stop(), run).await);
            }
        }
        let mut ends = Vec::new();
        for job in &mut jobs {
            ends.push(soon(job.join(), (run, to_the_end, self.at)).await);
        }
        let refused = ends.iter().any(|end| end.as_ref().is_err_and(is_refused));
        for error in ends.into_iter().filter_map(Result::err) {
            let is_meant =
                matches!(error, JobError::Peer { .. } | JobError::Cluster(_)) && aborted.is_some() || refused;
            assert!(is_meant, "{error} after {run:?} at {}", self.at);
        }
        !refused
    }
}

/// Lives through `runs`, and then to the end in as many processes as the last.
pub(super) async fn live<const ONCE: bool>(
    pairs: [&Batches; 2],
    others: &Batches,
    runs: &[Run],
) -> BTreeMap<&'static str, Table> {
    let directory = tempfile::tempdir().expect("temp");
    let clock = ManualClock::new();
    let directory = directory.path();
    let mut life = Life::<ONCE> { directory, clock, at: 0, sinks: Sinks::default(), pairs, others };
    let last = Run { processes: 2, workers: 1, batches: 0, aborted: None };
    let mut before: Vec<Run> = Vec::new();
    for (nth, run) in runs.iter().chain([&last]).enumerate() {
        let run = Run { processes: if nth == 0 { run.processes.max(2) } else { run.processes }, ..*run };
        let mut run = run;
        let to_the_end = nth == runs.len();
        if !life.run(run, to_the_end).await {
            // As it was, until what was on its way is delivered; then it may, if no source is lost.
            let mut good = None;
            for old in before.iter().rev() {
                let old = Run { batches: 1, aborted: None, ..*old };
                if life.run(old, false).await {
                    good = Some(old);
                    break;
                }
            }
            let good = good.expect("one of those before is possible");
            if !life.run(run, to_the_end).await {
                run = Run { aborted: None, ..good };
                assert!(life.run(run, to_the_end).await, "it goes on as it was");
            }
        }
        before.push(run);
    }
    life.sinks.together()
}
