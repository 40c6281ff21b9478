//! What a job writes to is removed, moved away or replaced while it runs.

use std::{fs, path::Path};

use rusqlite::Connection;
use streaming_runtime::{
    BatchTime, Checkpoint, Job, JobError, ManualClock,
    connect::{Closed, Receipt, Retry, SinkPolicies, channel, collect, durable, sqlite, text_files},
    prelude::*,
};

use crate::{copy, in_time};

/// Something is done to a place.
type Harm = fn(&Path);

fn removed(place: &Path) {
    match place.is_dir() {
        true => fs::remove_dir_all(place).expect("removed"),
        false => fs::remove_file(place).expect("removed"),
    }
}

fn moved(place: &Path) {
    fs::rename(place, place.with_extension("elsewhere")).expect("moved");
}

fn replaced(place: &Path) {
    let is_directory = place.is_dir();
    moved(place);
    match is_directory {
        true => fs::create_dir(place).expect("made"),
        false => fs::write(place, "").expect("made"),
    }
}

fn copied_over(place: &Path) {
    moved(place);
    let from = place.with_extension("elsewhere");
    if from.is_dir() {
        fs::create_dir(place).expect("made");
        for file in fs::read_dir(&from).expect("there") {
            let file = file.expect("there");
            fs::copy(file.path(), place.join(file.file_name())).expect("copied");
        }
    } else {
        fs::copy(&from, place).expect("copied");
    }
}

const HARMS: [(&str, Harm); 4] =
    [("removed", removed), ("moved", moved), ("replaced", replaced), ("copied over", copied_over)];

/// How a job ends that notices soon.
async fn end(job: &mut Job, clock: &ManualClock) -> JobError {
    for _ in 0..3 {
        clock.advance(secs(1));
        if let Err(error) = in_time(job.delivered(clock.now())).await {
            return error;
        }
    }
    panic!("three batches went to where nobody finds them")
}

/// What becomes of a receipt, while batches go on.
async fn answer(job: &mut Job, clock: &ManualClock, mut receipt: Receipt) -> Result<BatchTime, Closed> {
    in_time(async {
        loop {
            clock.advance(secs(1));
            tokio::select! {
                biased;
                answer = &mut receipt => return answer,
                _ = job.delivered(clock.now()) => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn no_receipt_is_given_for_a_checkpoint_that_is_not_in_its_place() {
    for (how, harm) in HARMS {
        let directory = tempfile::tempdir().expect("temp");
        let state = directory.path().join("state");
        let clock = ManualClock::new();
        let (sender, lines) = channel(16);
        let (out, _) = collect();
        let engine = Engine::new().manual_clock(&clock).checkpoint(&state);
        let mut job = engine.start(copy::Ports { lines: durable(lines), out }).expect("starts");
        let receipt = in_time(sender.send_tracked("kept".to_owned())).await.expect("it runs");
        let safe = answer(&mut job, &clock, receipt).await;
        safe.unwrap_or_else(|lost| panic!("{how}: it is safe: {lost}"));
        harm(&state);
        let receipt = in_time(sender.send_tracked("lost".to_owned())).await.expect("it runs");
        let lost = answer(&mut job, &clock, receipt).await;
        assert!(lost.is_err(), "{how}: the log is not where the next start looks");
        let error = in_time(job.join()).await.expect_err(how);
        assert_eq!(error.code(), "checkpoint.vanished", "{how}: {error}");
        assert!(error.to_string().contains("log-"), "{how}: {error}");
    }
}

#[tokio::test]
async fn a_lock_that_is_removed_protects_nobody() {
    let directory = tempfile::tempdir().expect("temp");
    let state = directory.path().join("state");
    let clock = ManualClock::new();
    let (sender, lines) = channel(16);
    let engine = Engine::new().manual_clock(&clock).checkpoint(&state);
    let mut job = engine.start(copy::Ports { lines: durable(lines), out: collect().0 }).expect("starts");
    clock.advance(secs(1));
    in_time(job.delivered(clock.now())).await.expect("it runs");
    fs::remove_file(state.join("LOCK")).expect("removed");
    in_time(sender.send("more".to_owned())).await.expect("it runs");
    clock.advance(secs(1));
    let error = in_time(job.join()).await.expect_err("another job could begin there");
    assert_eq!(error.code(), "checkpoint.vanished", "{error}");
}

#[tokio::test]
async fn batches_do_not_go_into_a_database_that_is_not_in_its_place() {
    for (how, harm) in HARMS {
        for retries in [false, true] {
            let directory = tempfile::tempdir().expect("temp");
            let database = directory.path().join("rows.db");
            let clock = ManualClock::new();
            let (sender, lines) = channel(16);
            let out = sqlite::append(&database, "rows", ["text"]).row(|text: String| (text,));
            let engine = Engine::new().manual_clock(&clock);
            let mut job = match retries {
                false => engine.start(copy::Ports { lines, out }),
                // A second attempt would begin a new database.
                true => engine.start(copy::Ports { lines, out: out.retry(Retry::default().attempts(3)) }),
            }
            .expect("starts");
            sender.send("a".to_owned()).await.expect("it runs");
            clock.advance(secs(1));
            in_time(job.delivered(clock.now())).await.expect("written");
            harm(&database);
            let error = end(&mut job, &clock).await;
            assert!(matches!(&error, JobError::Sink { port: "out", .. }), "{how}: {error}");
            assert!(error.to_string().contains("rows.db"), "{how}: {error}");
            let JobError::Sink { source, .. } = error else { unreachable!("it was looked at") };
            assert_eq!(source.code(), "connector.vanished", "{how}: {source}");
        }
    }
}

/// A database that is another by what is in it: emptied in place, by `cp` or by a backup that was brought back.
#[tokio::test]
async fn a_database_that_forgot_a_batch_is_another() {
    let directory = tempfile::tempdir().expect("temp");
    let database = directory.path().join("rows.db");
    let clock = ManualClock::new();
    let (sender, lines) = channel(16);
    let out = sqlite::append(&database, "rows", ["text"]).row(|text: String| (text,));
    let mut job = Engine::new().manual_clock(&clock).start(copy::Ports { lines, out }).expect("starts");
    sender.send("a".to_owned()).await.expect("it runs");
    clock.advance(secs(1));
    in_time(job.delivered(clock.now())).await.expect("written");
    let other = Connection::open(&database).expect("there");
    other.execute_batch("delete from _streaming_batches; delete from rows").expect("emptied");
    let error = end(&mut job, &clock).await;
    let JobError::Sink { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.code(), "connector.vanished", "{source}");
}

#[tokio::test]
async fn text_files_do_not_begin_anew_where_their_directory_was() {
    for (how, harm) in HARMS.into_iter().filter(|(how, _)| *how != "copied over") {
        let directory = tempfile::tempdir().expect("temp");
        let place = directory.path().join("out");
        let clock = ManualClock::new();
        let (sender, lines) = channel(16);
        let out = text_files(place.join("lines"));
        let mut job = Engine::new().manual_clock(&clock).start(copy::Ports { lines, out }).expect("starts");
        sender.send("a".to_owned()).await.expect("it runs");
        clock.advance(secs(1));
        in_time(job.delivered(clock.now())).await.expect("written");
        harm(&place);
        let error = end(&mut job, &clock).await;
        let JobError::Sink { port: "out", source } = error else { panic!("{how}: {error}") };
        assert_eq!(source.code(), "connector.vanished", "{how}: {source}");
        assert!(source.to_string().contains("/out`"), "{how}: {source}");
    }
}

/// Whoever reads the batches may take them away.
#[tokio::test]
async fn a_batch_that_was_taken_away_is_no_fault() {
    let directory = tempfile::tempdir().expect("temp");
    let clock = ManualClock::new();
    let (sender, lines) = channel(16);
    let out = text_files(directory.path().join("lines"));
    let mut job = Engine::new().manual_clock(&clock).start(copy::Ports { lines, out }).expect("starts");
    for second in 1..=3 {
        sender.send("a".to_owned()).await.expect("it runs");
        clock.advance(secs(1));
        in_time(job.delivered(clock.now())).await.expect("written");
        fs::remove_dir_all(directory.path().join(format!("lines-{second}000"))).expect("taken away");
    }
    in_time(job.stop()).await.expect("it stops well");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_a_checkpoint() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("temp");
    let state = directory.path().join("deep/state");
    let clock = ManualClock::new();
    let (sender, lines) = channel(16);
    let checkpoint = Checkpoint::new(&state).segment_bytes(100);
    let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
    let mut job = engine.start(copy::Ports { lines: durable(lines), out: collect().0 }).expect("starts");
    for _ in 0..20 {
        in_time(sender.send("a secret".repeat(10))).await.expect("it runs");
        clock.advance(secs(1));
        in_time(job.delivered(clock.now())).await.expect("it runs");
    }
    in_time(job.stop()).await.expect("it stops well");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let files: Vec<_> =
        fs::read_dir(&state).expect("there").map(|file| file.expect("there").path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_is_there_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("temp");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o750)).expect("set");
    let clock = ManualClock::new();
    let (_sender, lines) = channel::<String>(16);
    let engine = Engine::new().manual_clock(&clock).checkpoint(directory.path());
    let mut job = engine.start(copy::Ports { lines, out: collect().0 }).expect("starts");
    in_time(job.stop()).await.expect("it stops well");
    assert_eq!(fs::metadata(directory.path()).expect("there").permissions().mode() & 0o777, 0o750);
}
