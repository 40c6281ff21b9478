//! Sources with partitions, whose records come in whichever order, after stops and crashes anywhere.

use std::{path::Path, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Checkpoint, Job, JobError, Source,
    connect::{ConnectorError, Partition, Recovery, SourceContext},
    prelude::*,
};

use support::{Lasting, block_on};
use tokio::sync::Notify;

use super::sources::replay::replay;

/// A record: its partition and its number there.
type Numbered = (u8, u64);

stream!(
    /// What came, and how much of each partition so far.
    #[batch(millis(5))]
    fn copied<numbers: Source<Numbered>, out: Sink<Numbered>, totals: Sink<(u8, u64)>>() {
        numbers.to(out);
        let counted = |_: &u8, sum: Option<u64>, new: &[u64]| Some(sum.unwrap_or(0) + new.len() as u64);
        numbers.update_state(counted).allow_unbounded("a test").to(totals);
    }
);

/// Numbers of some partitions, which send side by side.
#[derive(Clone, Debug)]
struct Logs {
    /// How many each has, and how many it sends at a time.
    logs: Vec<(u64, u64)>,
    /// The first log that is there no more.
    gone: Option<usize>,
}

impl Logs {
    async fn send(self, number: usize, mut log: Partition<Numbered>) -> Result<(), ConnectorError> {
        if self.gone == Some(number) {
            return log.retire();
        }
        let (length, step) = self.logs[number];
        let mut next: u64 = log.resume_from()?.unwrap_or(0);
        while next < length {
            let end = (next + step).min(length);
            log.send((next..end).map(|n| (number as u8, n)).collect(), &end).await?;
            log.set_lag(length - end);
            next = end;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl Source<Numbered> for Logs {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<Numbered>) -> Result<(), ConnectorError> {
        let log = |n| self.clone().send(n, out.partition(format!("log/{n}")));
        futures::future::try_join_all((0..self.logs.len()).map(log)).await.map(drop)
    }
}

/// What lasts longer than a job.
#[derive(Default)]
struct Outside {
    out: Lasting,
    totals: Lasting,
}

impl Outside {
    fn start(&self, numbers: impl Source<Numbered>, workers: usize, early: bool, place: &Path) -> Job {
        let ports = copied::Ports { numbers, out: self.out.clone(), totals: self.totals.clone() };
        let engine = Engine::new().workers(workers).close_early(early).max_rate(1e6);
        engine.checkpoint(Checkpoint::new(place).exactly_once()).start(ports).expect("it starts")
    }

    /// All numbers of the first `logs` are there once, and were counted.
    fn has_all_once(&self, logs: &[(u64, u64)]) {
        let mut got: Vec<String> = self.out.delivered().into_values().flatten().collect();
        got.sort();
        let all = logs.iter().enumerate().flat_map(|(log, (length, _))| (0..*length).map(move |n| (log, n)));
        let mut all: Vec<String> = all.map(|numbered| format!("{numbered:?}")).collect();
        all.sort();
        assert!(got == all, "{} of {} records", got.len(), all.len());
        let totals = logs.iter().enumerate().filter(|(_, (length, _))| *length > 0);
        let mut totals: Vec<String> =
            totals.map(|(log, (length, _))| format!("{:?}", (log, length))).collect();
        totals.sort();
        assert_eq!(self.totals.last(), totals);
    }
}

/// Lets a job run and ends it, unless it has come to its end.
async fn run_for(mut job: Job, micros: u64, gently: bool) {
    tokio::select! {
        ended = job.join() => return ended.expect("it ends well"),
        () = tokio::time::sleep(Duration::from_micros(micros)) => {}
    }
    if gently { job.stop().await.expect("it stops well") } else { job.abort().await }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// A batch that comes again has the records that it had of each partition, or the sink would refuse it.
    #[test]
    fn each_record_is_there_once(
        logs in vec((0..40_000u64, 1..3_000u64), 1..5),
        runs in vec((1..=3usize, 0..40_000u64, prop::bool::weighted(0.2), any::<bool>()), 1..6),
    ) {
        let limit = secs(120);
        block_on(async {
            let (place, outside) = (tempfile::tempdir().expect("temp"), Outside::default());
            let numbers = Logs { logs: logs.clone(), gone: None };
            for (workers, micros, gently, early) in runs {
                run_for(outside.start(numbers.clone(), workers, early, place.path()), micros, gently).await;
            }
            let mut last = outside.start(numbers, 2, false, place.path());
            tokio::time::timeout(limit, last.join()).await.expect("nothing hangs").expect("it ends well");
            outside.has_all_once(&logs);
        });
    }
}

/// A partition that comes later begins with the next batch, and one that is gone leaves no position behind.
#[test]
fn partitions_come_and_go() {
    block_on(async {
        let (place, outside) = (tempfile::tempdir().expect("temp"), Outside::default());
        let mut numbers = Logs { logs: vec![(5_000, 100)], gone: None };
        outside.start(numbers.clone(), 1, false, place.path()).join().await.expect("it ends well");
        numbers.logs = vec![(6_000, 100), (3_000, 700)];
        let mut job = outside.start(numbers.clone(), 2, true, place.path());
        job.join().await.expect("it ends well");
        outside.has_all_once(&numbers.logs);
        let metrics = job.metrics();
        let partitions = &metrics.source("numbers").expect("it is one").partitions;
        let said: Vec<_> = partitions
            .iter()
            .map(|log| (log.name.as_str(), log.records, log.position.as_u64(), log.lag))
            .collect();
        assert_eq!(said, [("log/0", 6_000, Some(6_000), Some(0)), ("log/1", 3_000, Some(3_000), Some(0))]);
        numbers.logs.push((10, 1));
        numbers.gone = Some(0);
        outside.start(numbers.clone(), 1, false, place.path()).join().await.expect("it ends well");
        outside.has_all_once(&numbers.logs);
        let mut job = outside.start(numbers.clone(), 1, false, place.path());
        job.join().await.expect("it ends well");
        let names: Vec<String> = job
            .metrics()
            .source("numbers")
            .expect("it is one")
            .partitions
            .iter()
            .map(|log| log.name.clone())
            .collect();
        assert_eq!(names, ["log/1", "log/2"]);
    });
}

/// One partition that sends all at once, or is gone.
struct Single {
    numbers: u64,
    position: u64,
    /// What each number is multiplied by.
    by: u64,
    is_gone: bool,
    sent: Arc<Notify>,
}

impl Source<u64> for Single {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<u64>) -> Result<(), ConnectorError> {
        let log = out.partition("log");
        if self.is_gone {
            return log.retire();
        }
        let mut log = log.with_digest(|n| *n);
        log.send((0..self.numbers).map(|n| n * self.by).collect(), &self.position).await?;
        self.sent.notify_one();
        std::future::pending().await
    }
}

/// What is read again must be what it was: as far as it was, and there.
#[test]
fn a_partition_that_is_another_is_an_error() {
    let single =
        |numbers, position, by| Single { numbers, position, by, is_gone: false, sent: Arc::default() };
    let changed = |second: Single| async move {
        let first = single(3, 7, 1);
        let sent = first.sent.clone();
        let error = replay(first, sent.notified(), 0, second).await;
        let JobError::Source { port: "numbers", source } = error else { panic!("{error}") };
        assert_eq!(source.code(), "connector.changed", "{source}");
        source.to_string()
    };
    block_on(async {
        let how = changed(single(3, 8, 1)).await;
        assert!(how.contains("`log`") && how.contains("ended at 7") && how.contains("ends at 8"), "{how}");
        let how = changed(single(3, 7, 2)).await;
        assert!(how.contains("`log`") && how.contains("other records, before 7"), "{how}");
        let how = changed(Single { is_gone: true, ..single(0, 0, 1) }).await;
        assert!(how.contains("it is gone, and 3 of its records are missing"), "{how}");
    });
}

/// One partition that begins where others have brought it by then.
struct Late {
    begin: u64,
    sent: Arc<Notify>,
}

impl Source<u64> for Late {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<u64>) -> Result<(), ConnectorError> {
        let mut log = out.partition("log");
        let known = log.resume_from::<u64>()?;
        let Some(begin) = known else {
            log.send(Vec::new(), &self.begin).await?;
            log.send(vec![1, 2, 3], &(self.begin + 3)).await?;
            self.sent.notify_one();
            return std::future::pending().await;
        };
        Err(ConnectorError::other(format!("goes on at {begin}, with {:?}", out.known_partitions())))
    }
}

/// Also after a crash before its first batch was delivered, when no batch before has its position.
#[test]
fn a_partition_begins_where_it_began() {
    block_on(async {
        let sent = Arc::<Notify>::default();
        let first = Late { begin: 7, sent: sent.clone() };
        let error = replay(first, sent.notified(), 0, Late { begin: 9, sent: Arc::default() }).await;
        assert!(error.to_string().contains(r#"goes on at 7, with ["log"]"#), "{error}");
    });
}

/// A source that had no partitions in an earlier release, and has one now.
#[derive(Clone)]
struct Grown {
    is_old: bool,
    numbers: u64,
    step: u64,
}

impl Source<Numbered> for Grown {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<Numbered>) -> Result<(), ConnectorError> {
        let mut log = if self.is_old { None } else { Some(out.sole_partition("log/0")) };
        let begin: Option<u64> = match &log {
            Some(log) => log.resume_from()?,
            None => out.resume_from()?,
        };
        let mut next = begin.unwrap_or(0);
        // A position at every other step: what comes after it comes again.
        for n in 0_u64.. {
            let end = (next + self.step).min(self.numbers);
            let records: Vec<Numbered> = (next..end).map(|n| (0, n)).collect();
            match &mut log {
                Some(log) if n % 2 == 0 => log.send_unplaced(records).await?,
                Some(log) => log.send(records, &end).await?,
                None => {
                    out.send_all(records).await?;
                    if n % 2 == 1 {
                        out.reached(&end);
                    }
                }
            }
            if end == self.numbers {
                return Ok(());
            }
            next = end;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// A checkpoint from when the source had no partitions is gone on from.
    #[test]
    fn a_source_that_gets_a_partition_goes_on_where_it_was(
        numbers in 1_000..60_000u64,
        step in 1..3_000u64,
        before in vec((1..=3usize, 0..40_000u64, any::<bool>(), any::<bool>()), 1..3),
        after in vec((1..=3usize, 0..40_000u64, any::<bool>(), any::<bool>()), 0..3),
    ) {
        block_on(async {
            let (place, outside) = (tempfile::tempdir().expect("temp"), Outside::default());
            let runs = before.into_iter().map(|run| (true, run)).chain(after.into_iter().map(|run| (false, run)));
            for (is_old, (workers, micros, gently, early)) in runs {
                let source = Grown { is_old, numbers, step };
                run_for(outside.start(source, workers, early, place.path()), micros, gently).await;
            }
            let mut last = outside.start(Grown { is_old: false, numbers, step }, 2, false, place.path());
            tokio::time::timeout(secs(120), last.join()).await.expect("nothing hangs").expect("it ends well");
            outside.has_all_once(&[(numbers, step)]);
            let metrics = last.metrics();
            let partitions = &metrics.source("numbers").expect("it is one").partitions;
            prop_assert_eq!(partitions.len(), 1);
            prop_assert_eq!((partitions[0].name.as_str(), partitions[0].records), ("log/0", numbers));
            Ok(())
        })?;
    }
}
