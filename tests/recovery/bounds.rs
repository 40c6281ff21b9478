//! What bounds a job with checkpoints: memory, a disk that is slow, and time after which keys are forgotten.

use std::{
    fs, io,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use streaming_runtime::{
    Checkpoint, Job, ManualClock, Sink,
    checkpoint::{Append, LocalDirectory, Storage},
    connect::{
        Batch, ConnectorError, Delivery, file,
        queue::{self, Queue},
    },
    prelude::*,
};

use support::{Lasting, Pair};

stream!(
    #[batch(secs(1))]
    fn copy<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

/// Says that it was given a batch, and is never done with it.
struct Stuck(tokio::sync::mpsc::Sender<()>);

impl Sink<String> for Stuck {
    const DELIVERY: Delivery = Delivery::Idempotent;
    async fn write(&mut self, _: Batch<String>) -> Result<(), ConnectorError> {
        self.0.send(()).await.expect("the test waits for it");
        std::future::pending().await
    }
}

/// A batch that runs again has what it had, even if that is more than there may be in memory now.
#[tokio::test]
async fn a_batch_runs_again_that_is_larger_than_the_memory_limit() {
    let directory = tempfile::tempdir().expect("temp");
    let (path, state) = (directory.path().join("lines"), directory.path().join("state"));
    let lines: Vec<String> = (0..20_000).map(|n| format!("line {n:030}")).collect();
    fs::write(&path, lines.join("\n")).expect("written");
    let clock = ManualClock::new();
    let engine = || Engine::new().manual_clock(&clock).checkpoint(Checkpoint::new(&state).exactly_once());
    let (stuck, mut was_given) = tokio::sync::mpsc::channel(1);
    let job = engine().start(copy::Ports { lines: file::lines(&path), out: Stuck(stuck) }).expect("starts");
    tokio::time::timeout(secs(20), was_given.recv()).await.expect("its batch is on disk");
    job.abort().await;
    let out = Lasting::default();
    let ports = copy::Ports { lines: file::lines(&path), out: out.clone() };
    let mut job = engine().memory_limit(100_000).start(ports).expect("starts");
    tokio::time::timeout(secs(20), job.join()).await.expect("it does not hang").expect("it ends well");
    assert_eq!(out.delivered().into_values().map(|batch| batch.len()).sum::<usize>(), lines.len());
}

/// A directory whose syncs wait for as long as it is held.
#[derive(Clone, Debug)]
struct Slow {
    directory: LocalDirectory,
    held: Arc<(Mutex<bool>, Condvar)>,
}

impl Slow {
    fn hold(&self, held: bool) {
        *self.held.0.lock().expect("nothing panics under it") = held;
        self.held.1.notify_all();
    }
}

struct SlowFile(Box<dyn Append>, Slow);

impl Storage for Slow {
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.directory.lock()
    }
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.directory.list()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.directory.read(name)
    }
    fn append(&self, name: &str) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(SlowFile(self.directory.append(name)?, self.clone())))
    }
    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64> {
        self.directory.publish(name, parts)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.directory.remove(name)
    }
}

impl Append for SlowFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        let (held, changed) = &*self.1.held;
        let held = held.lock().expect("nothing panics under it");
        drop(changed.wait_while(held, |held| *held).unwrap_or_else(PoisonError::into_inner));
        self.0.sync()
    }
}

fn texts(batches: usize) -> Queue<String> {
    queue::queue((0..batches).map(|n| vec![n.to_string()]).collect())
}

/// What is delivered at once is ahead of a slow disk by no more than the batches in flight: what waits for the disk is
/// bounded.
#[tokio::test]
async fn sinks_are_not_ahead_of_the_disk_without_bound() {
    let directory = tempfile::tempdir().expect("temp");
    let storage =
        Slow { directory: LocalDirectory::new(directory.path()).expect("it is there"), held: Arc::default() };
    let (clock, out) = (ManualClock::new(), Lasting::default());
    let checkpoint = Checkpoint::in_storage(storage.clone()).deliver_at_once();
    let engine = Engine::new().manual_clock(&clock).in_flight(3).checkpoint(checkpoint);
    let mut job = engine.start(copy::Ports { lines: texts(30), out: out.clone() }).expect("it starts");
    seconds(&mut job, &clock, 1).await;
    storage.hold(true);
    clock.advance(secs(29));
    tokio::time::sleep(millis(300)).await;
    let ahead = out.delivered().len();
    storage.hold(false);
    tokio::time::timeout(secs(10), job.join()).await.expect("it does not hang").expect("it ends well");
    assert!((2..=1 + 3).contains(&ahead), "{ahead} batches were delivered while the disk stood still");
    assert_eq!(out.delivered().len(), 30);
}

async fn seconds(job: &mut Job, clock: &ManualClock, seconds: u64) {
    for _ in 0..seconds {
        clock.advance(secs(1));
        let delivered = tokio::time::timeout(secs(10), job.delivered(clock.now()));
        delivered.await.expect("it does not hang").expect("it goes on");
    }
}

/// The sums of keys, twice.
macro_rules! program {
    ($module:ident, [$($expiry:tt)*], $($keeps:tt)*) => {
        mod $module {
            use super::*;
            stream!(
                #[batch(secs(1))]
                pub fn sums<pairs: Source<Pair>, updated: Sink<Pair>, mapped: Sink<Pair>>() {
                    let sums = pairs.update_state(|_, sum: Option<i64>, new| {
                        Some(sum.unwrap_or(0) + new.iter().sum::<i64>())
                    });
                    sums$($expiry)*.to(updated);
                    let (timed_out, _) = pairs.map_with_state($($keeps)*, |key, value, sum| match value {
                        Some(value) => {
                            sum.update(sum.get().copied().unwrap_or(0_i64) + value);
                            None
                        }
                        None => Some((*key, *sum.get().expect("what times out has a state"))),
                    });
                    timed_out.to(mapped);
                }
            );
        }
    };
}

program!(for_ever, [.allow_unbounded("a test")], unbounded("a test"));
program!(for_three_seconds, [.expire_after(secs(3))], idle_for(secs(3)));

/// Keys of which nobody had to know when they had a record are idle from the change of the program on.
#[tokio::test]
async fn keys_that_did_not_expire_are_not_forgotten_when_they_begin_to() {
    let (directory, clock) = (tempfile::tempdir().expect("temp"), ManualClock::new());
    let (updated, mapped) = (Lasting::default(), Lasting::default());
    let pairs = || queue::queue([vec![vec![(1, 5)]], vec![vec![]; 40]].concat());
    let engine =
        || Engine::new().manual_clock(&clock).checkpoint(Checkpoint::new(directory.path()).exactly_once());
    let ports = for_ever::sums::Ports { pairs: pairs(), updated: updated.clone(), mapped: mapped.clone() };
    let mut job = engine().start(ports).expect("it starts");
    seconds(&mut job, &clock, 10).await;
    job.stop().await.expect("it stops");
    // Twice, so that the second start goes on from what the first has made of it.
    for _ in 0..2 {
        let (updated, mapped) = (updated.clone(), mapped.clone());
        let ports = for_three_seconds::sums::Ports { pairs: pairs(), updated, mapped };
        let mut job = engine().start(ports).expect("it starts");
        seconds(&mut job, &clock, 2).await;
        job.stop().await.expect("it stops");
    }
    let ports =
        for_three_seconds::sums::Ports { pairs: pairs(), updated: updated.clone(), mapped: mapped.clone() };
    let mut job = engine().start(ports).expect("it starts");
    seconds(&mut job, &clock, 2).await;
    job.stop().await.expect("it stops");
    let had = |out: Lasting| {
        let filled = out.delivered().into_iter().filter(|(_, records)| !records.is_empty());
        filled.map(|(time, _)| time.as_millis() / 1000).collect::<Vec<_>>()
    };
    let began = updated.delivered().into_keys().next().expect("there are batches").as_millis() / 1000;
    assert_eq!(had(updated), (0..12).map(|n| began + n).collect::<Vec<_>>());
    assert_eq!(had(mapped), [began + 13]);
}
