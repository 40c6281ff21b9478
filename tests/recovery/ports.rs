//! Ports that are new or get another connector, and sinks that know more than the checkpoint.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use streaming_runtime::{
    BatchTime, Checkpoint, JobError, ManualClock, Sink, Source, StartError,
    checkpoint::{CheckpointError, LocalDirectory, inspect},
    connect::{
        Batch, ChannelSource, CheckpointId, CheckpointMark, ConnectorError, Delivery, PortContext, channel,
        durable, file,
    },
    prelude::*,
    testing::{Fault, SimulatedDisk},
};

use support::{Lasting, block_on};

use super::{
    faults::ticking,
    wiring::{copied, deliver, files, numbers, temporary},
};

mod before {
    use super::*;
    stream!(
        /// The sum so far.
        #[batch(secs(1))]
        pub(super) fn sums<numbers: Source<i64>, out: Sink<i64>>() {
            let sums = numbers
                .map(|n| ((), n))
                .update_state(|(), sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
            sums.allow_unbounded("it is one key").map(|((), sum)| sum).to(out);
        }
    );
}

mod after {
    use super::*;
    stream!(
        /// With one more sink.
        #[batch(secs(1))]
        pub(super) fn sums<numbers: Source<i64>, out: Sink<i64>, copies: Sink<i64>>() {
            let sums = numbers
                .map(|n| ((), n))
                .update_state(|(), sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
            sums.allow_unbounded("it is one key").map(|((), sum)| sum).to(out);
            numbers.to(copies);
        }
    );
}

/// A table that says which batch it has for good.
#[derive(Clone, Default)]
struct Table {
    rows: Arc<Mutex<BTreeMap<BatchTime, Vec<i64>>>>,
    /// Whether the next batch is more than it can take.
    fails: Arc<AtomicBool>,
}

impl Table {
    fn rows(&self) -> Vec<i64> {
        self.rows.lock().expect("no test has panicked").values().flatten().copied().collect()
    }
}

impl Sink<i64> for Table {
    const DELIVERY: Delivery = Delivery::Transactional;

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        Ok(self.rows.lock().expect("no test has panicked").keys().next_back().copied())
    }

    async fn write(&mut self, batch: Batch<i64>) -> Result<(), ConnectorError> {
        if self.fails.swap(false, Ordering::Relaxed) {
            return Err(ConnectorError::other("it is full"));
        }
        let before = self.rows.lock().expect("no test has panicked").insert(batch.time, batch.records);
        assert!(before.is_none(), "the batch at {} comes twice", batch.time);
        Ok(())
    }
}

fn sums_to(n: i64) -> Vec<i64> {
    (1..=n).map(|n| n * (n + 1) / 2).collect()
}

/// The first run with a new sink ends before that has a batch.
async fn a_new_table(segment: u64) -> Result<(), JobError> {
    let (directory, clock, out, copies) =
        (temporary(), ManualClock::new(), Table::default(), Table::default());
    let checkpoint = Checkpoint::new(directory.path()).segment_bytes(segment).exactly_once();
    let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
    let mut job =
        engine.start(before::sums::Ports { numbers: numbers(), out: out.clone() }).expect("it starts");
    deliver(&mut job, &clock, 12).await?;
    job.stop().await?;
    let had = out.rows().len() as i64;
    let has_base = files(directory.path()).keys().any(|name| name.starts_with("base-"));
    assert_eq!(has_base, segment < 1000);
    for ends in ["before a batch", "at the first", "well", "well again"] {
        let numbers = numbers();
        let ports = after::sums::Ports { numbers, out: out.clone(), copies: copies.clone() };
        let mut job = engine.start(ports).expect("it starts");
        match ends {
            "before a batch" => job.stop().await?,
            "at the first" => {
                copies.fails.store(true, Ordering::Relaxed);
                let error = deliver(&mut job, &clock, 1).await.expect_err("it is full");
                assert_eq!(error.code(), "job.sink", "{error}");
            }
            _ => {
                deliver(&mut job, &clock, 2).await?;
                job.stop().await?;
            }
        }
    }
    let last = out.rows().len() as i64;
    assert!(last >= had + 4, "{last}");
    assert_eq!(out.rows(), sums_to(last));
    let copied = copies.rows();
    assert_eq!(copied, (had + 1..=last).collect::<Vec<_>>(), "it has what came since it was there");
    Ok(())
}

#[test]
fn a_new_table_whose_first_run_fails() {
    for segment in [400, 1 << 20] {
        block_on(a_new_table(segment)).unwrap_or_else(|error| panic!("segments of {segment}: {error}"));
    }
}

#[tokio::test]
async fn a_filled_table_and_an_empty_checkpoint() {
    let (clock, out) = (ManualClock::new(), Table::default());
    let start = |directory: &Path| {
        let lock = directory.join("stream.lock");
        let checkpoint = Checkpoint::new(directory.join("state")).exactly_once().lock_file(lock);
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        engine.start(before::sums::Ports { numbers: numbers(), out: out.clone() }).expect("it starts")
    };
    let (right, wrong) = (temporary(), temporary());
    let mut job = start(right.path());
    deliver(&mut job, &clock, 3).await.expect("nothing ends it");
    job.stop().await.expect("it stops");
    let had = out.rows().len() as i64;
    let error = start(wrong.path()).join().await.expect_err("it is another place");
    let JobError::Checkpoint(CheckpointError::Behind { port, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(port, "out");
    assert!(error.to_string().contains("directory"), "{error}");
    assert!(files(&wrong.path().join("state")).is_empty(), "nothing was touched");
    assert!(!wrong.path().join("stream.lock").exists(), "nor was the lock file made");
    let mut job = start(right.path());
    deliver(&mut job, &clock, 1).await.expect("nothing ends it");
    job.stop().await.expect("it stops");
    assert_eq!(out.rows(), sums_to(out.rows().len() as i64));
    assert!(out.rows().len() as i64 > had);
}

/// A sink that commits nothing for an empty batch, and says only when it is open to which checkpoint it belongs.
#[derive(Clone, Default)]
struct Sparse {
    table: Table,
    mark: Arc<Mutex<Option<CheckpointId>>>,
    is_open: bool,
}

impl Sink<i64> for Sparse {
    const DELIVERY: Delivery = Delivery::Transactional;
    const SKIPS_EMPTY: bool = true;

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        let checkpoint = self.mark.lock().expect("nothing panics under this lock").filter(|_| self.is_open);
        let last =
            self.table.rows.lock().expect("nothing panics under this lock").keys().next_back().copied();
        Ok(checkpoint.map(|checkpoint| CheckpointMark { checkpoint, last }))
    }

    async fn open(&mut self, _: &PortContext) -> Result<(), ConnectorError> {
        self.is_open = true;
        Ok(())
    }

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.table.committed().await
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        *self.mark.lock().expect("nothing panics under this lock") = Some(checkpoint);
        Ok(())
    }

    async fn write(&mut self, batch: Batch<i64>) -> Result<(), ConnectorError> {
        if batch.records.is_empty() { Ok(()) } else { self.table.write(batch).await }
    }
}

stream!(
    /// As they come.
    #[batch(secs(1))]
    fn passed<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.map(|n| n).to(out);
    }
);

#[tokio::test]
async fn a_sink_that_skips_empty_batches() {
    let (clock, out) = (ManualClock::new(), Sparse::default());
    let start = |directory: &Path, out: &Sparse| {
        let checkpoint = Checkpoint::new(directory).segment_bytes(400).exactly_once();
        let (sender, numbers) = channel(8);
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        (
            sender,
            engine.start(passed::Ports { numbers: durable(numbers), out: out.clone() }).expect("it starts"),
        )
    };
    let (right, wrong) = (temporary(), temporary());
    for run in 0..4 {
        let (sender, mut job) = start(right.path(), &out);
        // The first has none at all.
        if run > 0 {
            sender.send(run).await.expect("it is taken");
        }
        // Empty ones, until what came before is not in the log any more.
        deliver(&mut job, &clock, 40).await.expect("nothing ends it");
        job.stop().await.expect("it stops");
    }
    assert!(files(right.path()).keys().any(|name| name.starts_with("base-")));
    assert_eq!(out.table.rows(), [1, 2, 3]);
    // It is told late to which checkpoint it belongs.
    let error = start(wrong.path(), &out).1.join().await.expect_err("it is another place");
    assert_eq!(error.code(), "checkpoint.foreign", "{error}");
    // One that has lost what it had is not taken for one that had nothing.
    let error = start(right.path(), &Sparse::default()).1.join().await.expect_err("its batches are gone");
    assert_eq!(error.code(), "checkpoint.lost", "{error}");
}

/// As after a kill between a commit and the frame of that batch.
#[tokio::test]
async fn delivered_at_once_a_table_may_be_ahead() {
    for segment in [400, 1 << 20] {
        let (directory, clock, out) = (temporary(), ManualClock::new(), Table::default());
        let run = async |directory: &Path, batches: usize| {
            let checkpoint = Checkpoint::new(directory).segment_bytes(segment).deliver_at_once();
            let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
            let ports = before::sums::Ports { numbers: numbers(), out: out.clone() };
            let mut job = engine.start(ports).expect("it starts");
            deliver(&mut job, &clock, batches).await?;
            job.stop().await
        };
        run(directory.path(), 12).await.expect("nothing ends it");
        let older = copied(&files(directory.path()));
        run(directory.path(), 2).await.expect("nothing ends it");
        let had = out.rows().len();
        run(older.path(), 4).await.expect("the table has what the log has, and more");
        assert_eq!(out.rows(), sums_to(out.rows().len() as i64));
        assert!(out.rows().len() > had);
    }
}

stream!(
    #[batch(millis(2))]
    fn lined<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

/// These lines, and no more.
async fn sent(lines: &[&str]) -> ChannelSource<String> {
    let (sender, source) = channel(16);
    for line in lines {
        sender.send((*line).to_owned()).await.expect("there is room");
    }
    source
}

/// Runs until the source has ended.
async fn ended(
    checkpoint: Checkpoint,
    lines: impl Source<String>,
    out: &Lasting,
) -> Result<Vec<String>, JobError> {
    let ports = lined::Ports { lines, out: out.clone() };
    let mut job = match Engine::new().checkpoint(checkpoint).start(ports) {
        // What does not fit is an error of the start.
        Err(StartError::Checkpoint(error)) => return Err(JobError::Checkpoint(error)),
        started => started.expect("it starts"),
    };
    tokio::time::timeout(secs(10), job.join()).await.expect("it does not hang")?;
    let lines = out.delivered().into_values().flatten();
    Ok(lines.map(|line| line.trim_matches('"').to_owned()).collect())
}

/// Is refused with words that hold all of these, and then nothing has changed.
async fn refused(directory: &Path, lines: impl Source<String>, says: &[&str]) {
    let before = files(directory);
    let error = ended(Checkpoint::new(directory), lines, &Lasting::default()).await;
    let error = error.expect_err("it is another kind of source");
    let JobError::Checkpoint(CheckpointError::Incompatible { what }) = &error else { panic!("{error:?}") };
    for words in [&["source `lines`", ".forget(\"lines\")"], says].concat() {
        assert!(what.contains(words), "`{words}` is not in `{what}`");
    }
    assert!(files(directory) == before, "a refusal touches nothing");
}

#[tokio::test]
async fn a_file_where_a_channel_was() {
    let (directory, out) = (temporary(), Lasting::default());
    let path = directory.path().join("lines");
    fs::write(&path, "1\n2\n3\n4\n").expect("written");
    for logged in [false, true] {
        let state = directory.path().join(format!("state-{logged}"));
        let declared = || Checkpoint::new(&state).forget("lines");
        let lines = sent(&["a", "b"]).await;
        let had = match logged {
            true => ended(Checkpoint::new(&state), durable(lines), &out).await,
            false => ended(Checkpoint::new(&state), lines, &out).await,
        };
        let had = had.expect("it ends well").len();
        let says = if logged { "from the checkpoint" } else { "do not come again" };
        refused(&state, file::lines(&path), &[says, "from the source itself"]).await;
        let all = ended(declared(), file::lines(&path), &out).await.expect("it is declared");
        assert_eq!(all[had..], ["1", "2", "3", "4"], "it begins at its beginning");
        // A declaration that was carried out is harmless.
        let all = ended(declared(), file::lines(&path), &out).await.expect("it goes on");
        assert_eq!(all.len(), had + 4, "nothing comes twice");
    }
}

#[tokio::test]
async fn a_channel_where_a_file_was() {
    let (directory, out) = (temporary(), Lasting::default());
    let (path, state) = (directory.path().join("lines"), directory.path().join("state"));
    fs::write(&path, "1\n2\n").expect("written");
    ended(Checkpoint::new(&state), file::lines(&path), &out).await.expect("it ends well");
    refused(&state, durable(sent(&["a"]).await), &["from the source itself", "from the checkpoint"]).await;
    refused(&state, sent(&["a"]).await, &["from the source itself", "do not come again"]).await;
    let declared = Checkpoint::new(&state).forget("lines");
    let all = ended(declared, durable(sent(&["a", "b"]).await), &out).await.expect("it is declared");
    assert_eq!(all, ["1", "2", "a", "b"]);
    let all = ended(Checkpoint::new(&state), durable(sent(&["c"]).await), &out).await.expect("it goes on");
    assert_eq!(all, ["1", "2", "a", "b", "c"]);
    let inspection = inspect(&LocalDirectory::new(&state).expect("it is there")).expect("it can be read");
    assert!(inspection.operators.is_empty(), "a source is no operator: {:?}", inspection.operators);
    assert_eq!(inspection.sources.len(), 1);
    assert_eq!(inspection.sources[0].total, 3, "without what was forgotten");
}

stream!(
    #[batch(secs(1))]
    fn copies<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

/// Batches whose records cannot come again do not run again with what the log has of later ones.
#[tokio::test]
async fn a_channel_that_is_durable_from_now_on() {
    let (disk, clock, out) = (SimulatedDisk::new(0), ManualClock::new(), Lasting::default());
    let engine = || Engine::new().manual_clock(&clock).checkpoint(Checkpoint::in_storage(disk.clone()));
    let (sender, lost) = channel(16);
    let mut job = engine().start(copies::Ports { numbers: lost, out: out.clone() }).expect("it starts");
    for n in 1..=3 {
        let receipt = sender.send_tracked(n).await.expect("it runs");
        ticking(&clock, receipt).await.expect("it is delivered");
    }
    // That the last batch was delivered is in no frame yet, and so is forgotten.
    disk.fail_at(1, Fault::Io);
    job.stop().await.expect_err("the last words fail");
    disk.restart();
    for n in [10, 11] {
        let (sender, logged) = channel(16);
        let ports = copies::Ports { numbers: durable(logged), out: out.clone() };
        let mut job = engine().start(ports).expect("it starts");
        let receipt = sender.send_tracked(n).await.expect("it runs");
        ticking(&clock, receipt).await.expect("it is delivered");
        job.stop().await.expect("it stops");
    }
    let all: Vec<_> = out.delivered().into_values().flatten().collect();
    assert_eq!(all, ["1", "2", "3", "10", "11"]);
}
