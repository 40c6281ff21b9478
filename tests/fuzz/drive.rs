//! Does to a job what a script says, and takes down what its sinks get.

use std::{collections::BTreeMap, time::Duration};

use streaming_runtime::{
    BatchTime, Checkpoint, Engine, Job, ManualClock,
    connect::{Durable, durable},
    testing::SimulatedDisk,
};

use crate::{
    model::{INTERVAL, Time},
    ports::{Feed, FeedSource, PacedFeed, Told},
    script::{End, How, QUARTER, Script, Step},
    shapes::{Shape, Sources},
};

/// A job that does nothing for so long is taken to be stuck. It does not limit what it does: batches take microseconds.
const STUCK: Duration = Duration::from_secs(30);

/// A source's records as they were sent.
pub(crate) struct Sent {
    /// The clock then, and the batch that they have to be in at the latest, if that is known.
    pub(crate) at: Time,
    pub(crate) by: Option<Time>,
    pub(crate) record: (u8, i64),
}

/// What there is to see after a run.
pub(crate) struct Seen {
    /// What was sent, by source.
    pub(crate) sent: Vec<Vec<Sent>>,
    /// How many records of each source may be missing: a source that cannot replay crashed with them on their way.
    pub(crate) lost: Vec<usize>,
    pub(crate) taps: Vec<Told>,
    pub(crate) contents: BTreeMap<&'static str, Told>,
    pub(crate) changes: BTreeMap<&'static str, Told>,
    /// The first batch is the one behind this time, at the latest.
    pub(crate) begun: Time,
    /// The last batches before all sources ended, or a job that keeps nothing was stopped.
    pub(crate) ends: Vec<Time>,
    /// The clock at the end.
    pub(crate) now: Time,
}

/// The ports of a shape, which outlive its jobs.
pub(crate) struct Wires {
    feeds: Vec<Feed>,
    taps: Vec<Told>,
    contents: BTreeMap<&'static str, Told>,
    changes: BTreeMap<&'static str, Told>,
}

impl Wires {
    fn new(sources: usize) -> Self {
        let feeds = (0..sources).map(|_| Feed::new()).collect();
        let taps = (0..sources).map(|_| Told::default()).collect();
        Wires { feeds, taps, contents: BTreeMap::new(), changes: BTreeMap::new() }
    }

    /// A source that sends again what a position lies before.
    pub(crate) fn replays(&self, source: usize) -> FeedSource<true> {
        FeedSource(self.feeds[source].clone())
    }

    /// A source that is asked for each batch.
    pub(crate) fn paced(&self, source: usize) -> PacedFeed {
        PacedFeed(self.feeds[source].clone())
    }

    /// A source that is made safe by the job's log.
    pub(crate) fn logged(&self, source: usize) -> Durable<FeedSource<false>> {
        durable(FeedSource(self.feeds[source].clone()))
    }

    /// Where a source goes as it is: what each batch had of it.
    pub(crate) fn tap(&self, source: usize) -> Told {
        self.taps[source].clone()
    }

    /// Where the contents of what the model calls `name` go.
    pub(crate) fn out(&mut self, name: &'static str) -> Told {
        self.contents.entry(name).or_default().clone()
    }

    /// Where its changes go.
    pub(crate) fn changes(&mut self, name: &'static str) -> Told {
        self.changes.entry(name).or_default().clone()
    }
}

/// A run that is under way.
struct Run<'a> {
    shape: &'a Shape,
    script: &'a Script,
    /// What dies at a crash is off it at once.
    disk: SimulatedDisk,
    clock: ManualClock,
    wires: Wires,
    seen: Seen,
    /// Batches up to here are closed, whatever the clock says.
    closed: Time,
}

/// Runs a shape as the script says.
pub(crate) async fn run(shape: &Shape, script: &Script) -> Result<Seen, String> {
    let clock = ManualClock::new();
    clock.advance(Duration::from_nanos(script.begin * QUARTER));
    let wires = Wires::new(shape.sources);
    let seen = Seen {
        sent: (0..shape.sources).map(|_| Vec::new()).collect(),
        lost: vec![0; shape.sources],
        taps: wires.taps.clone(),
        contents: BTreeMap::new(),
        changes: BTreeMap::new(),
        begun: clock.now().as_nanos(),
        ends: Vec::new(),
        now: 0,
    };
    let mut run =
        Run { shape, script, disk: SimulatedDisk::new(script.begin), clock, wires, seen, closed: 0 };
    let mut job = run.start(script.workers)?;
    let mut steps = script.steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Send(records) => run.send(&mut job, records).await?,
            Step::Advance(by) => {
                run.clock.advance(Duration::from_nanos(by * QUARTER));
                let next = steps.peek();
                if !matches!(next, Some(Step::Restart { how: How::AbortAtOnce, .. })) {
                    run.delivered(&mut job).await?;
                }
            }
            Step::Restart { how, workers, away } => job = run.restart(job, *how, *workers, *away).await?,
        }
    }
    match script.end {
        End::Sources => run.end_sources(&mut job).await?,
        End::Stop => {
            run.before_an_end(&mut job).await?;
            ends(&mut job, "a stop", async |job| job.stop().await).await?;
            if !script.kept {
                run.seen.ends.extend(run.last());
            }
        }
    }
    run.seen.now = run.clock.now().as_nanos();
    let Run { wires: Wires { contents, changes, .. }, seen, .. } = run;
    Ok(Seen { contents, changes, ..seen })
}

/// Waits for something of a job, and says what it waits for if that does not come.
async fn ends<E: std::fmt::Display>(
    job: &mut Job,
    what: &str,
    wait: impl AsyncFnOnce(&mut Job) -> Result<(), E>,
) -> Result<(), String> {
    let monitor = job.monitor();
    match tokio::time::timeout(STUCK, wait(job)).await {
        Ok(result) => result.map_err(|error| format!("{what}: {error}")),
        Err(_) => {
            let waits: Vec<String> = monitor.explain().iter().map(ToString::to_string).collect();
            Err(format!("stuck at {what}: {}", waits.join("; ")))
        }
    }
}

impl Run<'_> {
    fn start(&mut self, workers: usize) -> Result<Job, String> {
        let engine = Engine::new().workers(workers).manual_clock(&self.clock).close_early(self.script.early);
        let checkpoint = Checkpoint::in_storage(self.disk.clone()).exactly_once();
        let engine = engine.in_flight(self.script.in_flight);
        let checkpoint = if self.script.compacts { checkpoint.segment_bytes(1) } else { checkpoint };
        let engine = if self.script.kept { engine.checkpoint(checkpoint) } else { engine };
        (self.shape.start)(&engine, &mut self.wires, &self.script.values).map_err(|error| error.to_string())
    }

    fn now(&self) -> Time {
        self.clock.now().as_nanos()
    }

    /// Sends records; they are in the open batch afterwards, or delivered where batches close early.
    async fn send(&mut self, job: &mut Job, records: &[Vec<(u8, i64)>]) -> Result<(), String> {
        let at = self.now();
        // A job that goes on behind its end is ahead of the clock.
        let by = self.seen.ends.is_empty().then(|| (at.max(self.closed) / INTERVAL + 1) * INTERVAL);
        for ((feed, sent), records) in self.wires.feeds.iter().zip(&mut self.seen.sent).zip(records) {
            feed.send(records);
            sent.extend(records.iter().map(|&record| Sent { at, by, record }));
        }
        if self.shape.kind == Sources::Paced {
            return Ok(());
        }
        self.taken(job).await?;
        if self.script.early {
            for source in 0..self.shape.sources {
                let (tap, all) = (self.seen.taps[source].clone(), self.expected(source));
                ends(job, "an early batch", async |job| {
                    tokio::select! {
                        () = tap.has(all) => Ok(()),
                        result = job.join() => result.map_err(|error| error.to_string()),
                    }
                })
                .await?;
            }
        }
        Ok(())
    }

    /// How many records of a source come, or have come.
    fn expected(&self, source: usize) -> usize {
        self.seen.sent[source].len() - self.seen.lost[source]
    }

    /// How many records of a source are on their way.
    fn pending(&self, source: usize) -> usize {
        self.expected(source).saturating_sub(self.seen.taps[source].count())
    }

    /// Waits until the job has taken in what was sent.
    async fn taken(&self, job: &mut Job) -> Result<(), String> {
        for feed in &self.wires.feeds {
            ends(job, "records that were sent", async |job| {
                tokio::select! {
                    () = feed.taken() => Ok(()),
                    result = job.join() => match result {
                        Ok(()) => Err("the job has ended".to_owned()),
                        Err(error) => Err(error.to_string()),
                    },
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until all is delivered that is due.
    async fn delivered(&mut self, job: &mut Job) -> Result<(), String> {
        let due = self.now() / INTERVAL * INTERVAL;
        if due > self.seen.begun {
            let time = BatchTime::from_nanos(due);
            ends(job, "a boundary", async |job| job.delivered(time).await).await?;
        }
        Ok(())
    }

    /// Moves the clock to the next boundary that no batch has.
    fn to_boundary(&self) {
        let next = (self.now().max(self.closed) / INTERVAL + 1) * INTERVAL;
        self.clock.advance(Duration::from_nanos(next - self.now()));
    }

    /// The last batch.
    fn last(&self) -> Option<Time> {
        self.seen.taps.iter().filter_map(|tap| tap.batches().keys().next_back().copied()).max()
    }

    /// Who is asked for batches has sent nothing yet of the open one.
    async fn before_an_end(&mut self, job: &mut Job) -> Result<(), String> {
        // A job that goes on behind an end is ahead of the clock: its next boundary may be several of these away.
        while self.shape.kind == Sources::Paced
            && (0..self.shape.sources).any(|source| self.pending(source) > 0)
        {
            self.to_boundary();
            self.delivered(job).await?;
        }
        Ok(())
    }

    /// Has all sources end, and the job with them.
    async fn end_sources(&mut self, job: &mut Job) -> Result<(), String> {
        self.before_an_end(job).await?;
        self.wires.feeds.iter().for_each(Feed::end);
        ends(job, "the sources have ended", async |job| job.join().await).await?;
        self.wires.feeds.iter().for_each(Feed::begin);
        let last = self.last();
        self.seen.ends.extend(last);
        let slides = self.script.slides(self.shape.windows);
        let next = slides.iter().filter_map(|slide| Some(last?.div_ceil(*slide) * slide));
        self.closed = next.chain(last).max().unwrap_or(0).max(self.closed);
        Ok(())
    }

    /// Ends the job, and begins it again.
    async fn restart(&mut self, mut job: Job, how: How, workers: usize, away: u64) -> Result<Job, String> {
        match how {
            How::Stop => ends(&mut job, "a stop", async |job| job.stop().await).await?,
            How::Ended => self.end_sources(&mut job).await?,
            How::Abort | How::AbortAtOnce => {
                let aborted = tokio::time::timeout(STUCK, job.abort()).await;
                aborted.map_err(|_| "stuck at an abort".to_owned())?;
                // In the middle, it is the machine that crashes: what was not synced is gone.
                match how {
                    How::AbortAtOnce => self.disk.restart(),
                    _ => self.disk.kill(),
                }
            }
        }
        self.clock.advance(Duration::from_nanos(away * QUARTER));
        let last = self.last();
        self.closed = self.closed.max(last.unwrap_or(0));
        if last.is_none() {
            self.seen.begun = self.now();
        }
        // What was on its way comes in the first batch that is not made again, which nobody but the engine knows.
        let mut is_lost = false;
        for source in 0..self.shape.sources {
            let pending = self.pending(source);
            let of_source = &mut self.seen.sent[source];
            let first = of_source.len() - pending.min(of_source.len());
            of_source[first..].iter_mut().for_each(|sent| sent.by = None);
            is_lost |= self.shape.kind == Sources::Logged
                && matches!(how, How::Abort | How::AbortAtOnce)
                && pending > 0;
            if self.shape.kind == Sources::Replaying {
                self.wires.feeds[source].rewind();
            }
        }
        let mut job = self.start(workers)?;
        if self.shape.kind != Sources::Paced {
            self.taken(&mut job).await?;
        }
        if is_lost {
            // The next boundary tells what is left of it.
            self.to_boundary();
        }
        self.delivered(&mut job).await?;
        if is_lost {
            for source in 0..self.shape.sources {
                self.seen.lost[source] += self.pending(source);
            }
        }
        Ok(job)
    }
}
