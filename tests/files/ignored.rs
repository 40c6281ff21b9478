//! Files that are too old by their times, and what takes them.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use streaming_runtime::{
    Checkpoint, Job, ManualClock,
    connect::{Collected, collect, directory},
    prelude::*,
};
use tempfile::TempDir;

use crate::{copy, in_time};

/// A directory beside a place where files are made whole, and time.
struct Spool {
    root: TempDir,
    clock: ManualClock,
}

impl Spool {
    fn new() -> Self {
        let spool = Spool { root: tempfile::tempdir().expect("temp"), clock: ManualClock::new() };
        fs::create_dir(spool.path()).expect("made");
        spool.clock.advance(secs(1000));
        spool
    }

    fn path(&self) -> std::path::PathBuf {
        self.root.path().join("spool")
    }

    /// Moves a file in that was changed at `second`; it has its name as text.
    fn moved_in(&self, name: &str, second: u64) {
        move_in(self.root.path(), &self.path().join(name), UNIX_EPOCH + secs(second));
    }

    fn start(&self, lines: directory::Lines) -> (Job, Collected<String>) {
        let (out, copied) = collect();
        let state = Checkpoint::new(self.root.path().join("state"));
        let engine = Engine::new().manual_clock(&self.clock).checkpoint(state);
        (engine.start(copy::Ports { lines, out }).expect("it starts"), copied)
    }

    async fn batches(&self, job: &mut Job, batches: u64) {
        for _ in 0..batches {
            self.clock.advance(secs(1));
            in_time(job.delivered(self.clock.now())).await.expect("it runs");
        }
    }
}

fn move_in(root: &Path, to: &Path, modified: SystemTime) {
    let draft = root.join("draft");
    fs::write(&draft, to.file_name().expect("a name").to_str().expect("text")).expect("written");
    File::options().append(true).open(&draft).expect("there").set_modified(modified).expect("set");
    fs::rename(&draft, to).expect("moved in");
}

fn ignored(job: &Job) -> u64 {
    job.metrics().source("lines").expect("a source").ignored
}

#[tokio::test]
async fn what_is_moved_in_with_an_old_time_is_counted_once_and_said() {
    let spool = Spool::new();
    spool.moved_in("lay there", 10);
    let lines = directory::lines(spool.path());
    let skipped = lines.skipped();
    let (mut job, copied) = spool.start(lines);
    spool.batches(&mut job, 2).await;
    assert_eq!((ignored(&job), skipped.too_old()), (0, 0), "what lay there is not new");
    assert!(!job.explain()[0].to_string().contains("left alone"));
    spool.moved_in("old", 10);
    spool.moved_in("new", 1003);
    spool.moved_in(".hidden", 10);
    spool.batches(&mut job, 5).await;
    assert_eq!(copied.records(), ["new"]);
    assert_eq!((ignored(&job), skipped.too_old(), skipped.count()), (1, 1, 0), "once a file");
    let said = job.explain()[0].to_string();
    assert!(said.contains("source `lines` found and left alone: 1"), "{said}");
    spool.moved_in("older", 0);
    // What is written anew is new.
    spool.moved_in("old", 1007);
    spool.batches(&mut job, 2).await;
    assert_eq!(copied.records(), ["new", "old"]);
    assert_eq!(ignored(&job), 2);
    in_time(job.stop()).await.expect("it stops well");
}

#[tokio::test]
async fn all_files_were_asked_for_and_the_oldest_are_left_alone() {
    let spool = Spool::new();
    (0..3).for_each(|n| spool.moved_in(&n.to_string(), 10));
    spool.moved_in("3", 999);
    let (mut job, copied) = spool.start(directory::lines(spool.path()).new_files_only(false));
    spool.batches(&mut job, 2).await;
    assert_eq!(copied.records(), ["3"]);
    assert_eq!(ignored(&job), 3, "longer ago than they are remembered");
    in_time(job.stop()).await.expect("it stops well");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_not_missed() {
    let spool = Spool::new();
    let lines = directory::lines(spool.path());
    let skipped = lines.skipped();
    let (mut job, copied) = spool.start(lines);
    spool.batches(&mut job, 2).await;
    let pipe = spool.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().expect("runs").success());
    fs::create_dir(spool.path().join("directory")).expect("made");
    spool.moved_in("a", 1003);
    spool.batches(&mut job, 3).await;
    assert_eq!(copied.records(), ["a"]);
    assert_eq!((ignored(&job), skipped.too_old(), skipped.count()), (0, 0, 0));
    // What cannot be looked at is counted, and nothing hangs.
    std::os::unix::fs::symlink("loop", spool.path().join("loop")).expect("linked");
    spool.batches(&mut job, 1).await;
    assert!(skipped.count() > 0);
    in_time(job.stop()).await.expect("it stops well");
}

#[tokio::test]
async fn names_decide_if_they_shall() {
    let spool = Spool::new();
    spool.moved_in("lay there", 10);
    let source = || directory::lines(spool.path()).by_name().remember(secs(4));
    let (mut job, copied) = spool.start(source());
    // Before the first batch, and behind it.
    spool.moved_in("a", 10);
    spool.batches(&mut job, 1).await;
    spool.moved_in("b", 0);
    spool.moved_in("c", 1001);
    spool.moved_in("d", 2_000_000);
    spool.batches(&mut job, 1).await;
    assert_eq!(copied.records(), ["a", "b", "c", "d"], "whatever their times, in their order");
    // Longer than they are remembered when they are gone, touched and written to.
    spool.moved_in("b", 1003);
    spool.batches(&mut job, 20).await;
    assert_eq!(copied.records().len(), 4, "each once");
    assert_eq!(ignored(&job), 0);
    in_time(job.stop()).await.expect("it stops well");

    // While nobody looks.
    spool.moved_in("e", 10);
    spool.clock.advance(secs(60));
    let (mut job, copied) = spool.start(source());
    in_time(job.delivered(spool.clock.now())).await.expect("it runs");
    assert_eq!(copied.records(), ["e"]);
    spool.moved_in("f", 10);
    spool.batches(&mut job, 1).await;
    job.abort().await;
    let (mut job, copied) = spool.start(source());
    spool.moved_in("g", 10);
    spool.batches(&mut job, 10).await;
    assert_eq!(copied.records(), ["g"]);
    // A name that was away for longer than it is remembered comes anew; one that was away for less does not.
    fs::rename(spool.path().join("a"), spool.root.path().join("a")).expect("moved");
    spool.batches(&mut job, 2).await;
    fs::rename(spool.root.path().join("a"), spool.path().join("a")).expect("moved");
    spool.batches(&mut job, 2).await;
    assert_eq!(copied.records(), ["g"]);
    fs::remove_file(spool.path().join("a")).expect("removed");
    spool.batches(&mut job, 6).await;
    spool.moved_in("a", 10);
    spool.batches(&mut job, 1).await;
    assert_eq!(copied.records(), ["g", "a"]);
    in_time(job.stop()).await.expect("it stops well");
}

#[tokio::test]
async fn names_that_cannot_be_listed_for_a_while_are_known_still() {
    let spool = Spool::new();
    let (mut job, copied) = spool.start(directory::lines(spool.path()).by_name());
    spool.moved_in("a", 10);
    spool.batches(&mut job, 1).await;
    let away = spool.root.path().join("away");
    fs::rename(spool.path(), &away).expect("moved");
    spool.batches(&mut job, 3).await;
    fs::rename(&away, spool.path()).expect("moved");
    spool.moved_in("b", 10);
    spool.batches(&mut job, 2).await;
    assert_eq!(copied.records(), ["a", "b"]);
    in_time(job.stop()).await.expect("it stops well");
}

#[tokio::test]
async fn names_are_bounded() {
    let spool = Spool::new();
    (0..3).for_each(|n| spool.moved_in(&n.to_string(), 10));
    let (mut job, _) =
        spool.start(directory::lines(spool.path()).by_name().new_files_only(false).max_files(2));
    spool.clock.advance(secs(1));
    let error = in_time(job.join()).await.expect_err("three");
    assert!(error.to_string().contains("max_files"), "{error}");
}

/// By the system's clock: what was moved in while the job was down.
#[cfg(unix)]
#[tokio::test]
async fn what_came_while_the_job_was_down_is_counted() {
    let root = tempfile::tempdir().expect("temp");
    let spool = root.path().join("spool");
    fs::create_dir(&spool).expect("made");
    let old = SystemTime::now() - Duration::from_secs(24 * 3600);
    move_in(root.path(), &spool.join("lay there"), old);
    // Put there long before the job began, as far as anybody can tell.
    let start = || {
        let (out, _) = collect();
        let engine = Engine::new().checkpoint(Checkpoint::new(root.path().join("state")));
        engine.start(copy::Ports { lines: directory::lines(&spool), out }).expect("it starts")
    };
    let first_batch = async |job: &mut Job| {
        let begun = streaming_runtime::BatchTime::from_millis(1);
        in_time(job.delivered(begun)).await.expect("it runs");
    };
    let mut job = start();
    first_batch(&mut job).await;
    first_batch(&mut job).await;
    in_time(job.stop()).await.expect("it stops well");
    move_in(root.path(), &spool.join("came"), old);
    let mut job = start();
    let before = job.metrics().batches_delivered;
    in_time(async {
        while job.metrics().batches_delivered < before + 3 {
            job.delivered(job.metrics().last_batch.unwrap_or_default() + secs(1)).await.expect("it runs");
        }
    })
    .await;
    assert!(ignored(&job) >= 1);
    in_time(job.stop()).await.expect("it stops well");
}
