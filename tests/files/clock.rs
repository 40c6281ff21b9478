//! A system's clock that is wrong, is set, or goes on while the machine is suspended.

use std::{
    fs::{self, File},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::SystemTime,
};

use streaming_runtime::{
    BatchTime, Checkpoint, Job,
    connect::{BatchReceiver, channel, channel_sink, directory},
    prelude::*,
};

use crate::{copy, in_time};

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// The system's clock, and by how many seconds it is off.
#[derive(Clone, Default)]
struct Set(Arc<AtomicI64>);

impl Set {
    fn off_by(seconds: i64) -> Self {
        Set(Arc::new(AtomicI64::new(seconds)))
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, SeqCst);
    }

    fn now(&self) -> SystemTime {
        let off = self.0.load(SeqCst);
        let length = secs(off.unsigned_abs());
        if off < 0 { SystemTime::now() - length } else { SystemTime::now() + length }
    }

    fn engine(&self) -> Engine {
        let clock = self.clone();
        Engine::new().in_flight(1000).system_time(move || clock.now())
    }
}

/// Writes a file as a system does whose clock is this one.
fn write(root: &Path, name: &str, clock: &Set) {
    let draft = root.join("draft");
    fs::write(&draft, name).expect("written");
    File::options().append(true).open(&draft).expect("there").set_modified(clock.now()).expect("set");
    fs::rename(draft, root.join("spool").join(name)).expect("moved in");
}

async fn until_records(batches: &mut BatchReceiver<String>, n: usize) -> Vec<String> {
    let mut records = Vec::new();
    in_time(async {
        while records.len() < n {
            records.extend(batches.recv().await.expect("it runs").records);
        }
    })
    .await;
    records.sort();
    records
}

#[tokio::test]
async fn a_directory_is_read_whatever_the_clock_does() {
    let cases = [
        (HOUR, 0),
        (-HOUR, 0),
        (0, HOUR),
        (0, -HOUR),
        (YEAR, 0),
        (-YEAR, 0),
        (0, YEAR),
        (0, -YEAR),
        (HOUR, -HOUR),
        (0, 40),
        (0, -40),
    ];
    let case = |(wrong, set): (i64, i64)| async move {
        let root = tempfile::tempdir().expect("temp");
        fs::create_dir(root.path().join("spool")).expect("made");
        let clock = Set::off_by(wrong);
        let lines = directory::lines(root.path().join("spool"));
        let (out, mut batches) = channel_sink(4);
        let mut job = clock.engine().start(copy::Ports { lines, out }).expect("it starts");
        in_time(batches.recv()).await.expect("it runs");
        (0..3).for_each(|n| write(root.path(), &format!("before {n}"), &clock));
        clock.set(set);
        (0..3).for_each(|n| write(root.path(), &format!("behind {n}"), &clock));
        let records = until_records(&mut batches, 6).await;
        assert_eq!(records[..3], ["before 0", "before 1", "before 2"], "{wrong} s off, then {set} s");
        assert_eq!(records[3..], ["behind 0", "behind 1", "behind 2"], "{wrong} s off, then {set} s");
        assert_eq!(
            job.metrics().source("lines").expect("a source").ignored,
            0,
            "{wrong} s off, then {set} s"
        );
        drop(batches);
        let _ = in_time(job.join()).await;
    };
    futures::future::join_all(cases.map(case)).await;
}

/// The next batches' times, in seconds.
async fn times(batches: &mut BatchReceiver<String>, n: usize) -> Vec<u64> {
    let mut times = Vec::new();
    for _ in 0..n {
        times.push(in_time(batches.recv()).await.expect("it runs").time.as_millis() / 1000);
    }
    times
}

fn said(job: &Job) -> String {
    job.explain()[0].to_string()
}

#[tokio::test]
async fn batches_go_on_when_the_clock_is_set_back() {
    let clock = Set::default();
    let (_sender, lines) = channel::<String>(1);
    let (out, mut batches) = channel_sink(4);
    let mut job = clock.engine().start(copy::Ports { lines, out }).expect("it starts");
    let mut all = times(&mut batches, 1).await;
    assert_eq!(job.metrics().clock, Default::default());
    clock.set(-HOUR);
    all.extend(times(&mut batches, 3).await);
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "{all:?}");
    let offset = job.metrics().clock;
    assert!((secs(3599)..secs(3601)).contains(&offset.ahead) && offset.behind.is_zero(), "{offset:?}");
    assert!(said(&job).contains("ahead of the system's clock"), "{}", said(&job));
    // It is set right.
    clock.set(0);
    times(&mut batches, 3).await;
    assert_eq!(job.metrics().clock, Default::default());
    assert!(!said(&job).contains("system's clock"), "{}", said(&job));
    in_time(async { tokio::join!(job.stop(), async { while batches.recv().await.is_some() {} }) })
        .await
        .0
        .expect("stops");
}

#[tokio::test]
async fn batches_are_due_for_the_time_of_a_suspension() {
    let clock = Set::default();
    let (_sender, lines) = channel::<String>(1);
    let (out, mut batches) = channel_sink(4);
    let mut job = clock.engine().start(copy::Ports { lines, out }).expect("it starts");
    let mut all = times(&mut batches, 1).await;
    clock.set(HOUR);
    all.extend(times(&mut batches, 3600).await);
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "each of them");
    assert_eq!(job.metrics().clock, Default::default());
    in_time(async { tokio::join!(job.stop(), async { while batches.recv().await.is_some() {} }) })
        .await
        .0
        .expect("stops");
}

#[tokio::test]
async fn a_clock_that_goes_on_by_a_year_makes_no_batch_for_each_second_of_it() {
    let clock = Set::default();
    let (_sender, lines) = channel::<String>(1);
    let (out, mut batches) = channel_sink(4);
    let mut job = clock.engine().start(copy::Ports { lines, out }).expect("it starts");
    let mut all = times(&mut batches, 1).await;
    clock.set(YEAR);
    all.extend(times(&mut batches, 3).await);
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "{all:?}");
    assert!(job.metrics().clock.behind > secs(YEAR as u64 - 5));
    assert!(said(&job).contains("behind the system's clock"), "{}", said(&job));
    in_time(async { tokio::join!(job.stop(), async { while batches.recv().await.is_some() {} }) })
        .await
        .0
        .expect("stops");
}

#[tokio::test]
async fn a_start_with_an_earlier_clock_goes_on_behind_the_last_batch() {
    for back in [HOUR, YEAR] {
        let root = tempfile::tempdir().expect("temp");
        fs::create_dir(root.path().join("spool")).expect("made");
        let clock = Set::off_by(back);
        let start = || {
            let lines = directory::lines(root.path().join("spool"));
            let (out, batches) = channel_sink(4);
            let engine = clock.engine().checkpoint(Checkpoint::new(root.path().join("state")));
            (engine.start(copy::Ports { lines, out }).expect("it starts"), batches)
        };
        let (mut job, mut batches) = start();
        let begun = in_time(batches.recv()).await.expect("it runs").time;
        write(root.path(), "wrong", &clock);
        assert_eq!(until_records(&mut batches, 1).await, ["wrong"]);
        let (stopped, last) = in_time(async {
            let rest = async {
                let mut last = begun;
                while let Some(batch) = batches.recv().await {
                    last = last.max(batch.time);
                }
                last
            };
            tokio::join!(job.stop(), rest)
        })
        .await;
        stopped.expect("it stops well");
        drop(job);

        clock.set(0);
        write(root.path(), "while it was down", &clock);
        let (mut job, mut batches) = start();
        let next = in_time(batches.recv()).await.expect("it does not wait until the clock has caught up");
        assert!(next.time > last && next.time <= last + secs(5), "{} behind {last}", next.time);
        let ahead = job.metrics().clock.ahead;
        assert!(ahead + secs(60) > secs(back as u64), "{ahead:?} ahead");
        assert!(said(&job).contains("ahead of the system's clock"), "{}", said(&job));
        write(root.path(), "right", &clock);
        let mut records = next.records;
        records.extend(until_records(&mut batches, 2 - records.len()).await);
        records.sort();
        assert_eq!(records, ["right", "while it was down"], "set back by {back} s");
        let _: BatchTime = last;
        drop(batches);
        let _ = in_time(job.join()).await;
    }
}
