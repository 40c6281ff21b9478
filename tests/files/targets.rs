//! Two sinks on one target, and sinks in places that are not theirs.

use std::{fs, path::Path};

use streaming_runtime::{
    Checkpoint, Job, JobError, ManualClock, Sink, Source, StartError,
    connect::{SinkPolicies, channel, collect, directory, file, queue, sqlite, text_files},
    prelude::*,
};

use crate::{copy, in_time};

stream!(
    /// Records to two places.
    #[batch(secs(1))]
    fn twice<lines: Source<String>, left: Sink<String>, right: Sink<String>>() {
        lines.filter(|line| !line.is_empty()).to(left);
        lines.map(|line| line.to_uppercase()).to(right);
    }
);

fn line() -> impl Source<String> {
    queue(vec![vec!["a".to_owned()]])
}

fn start(left: impl Sink<String>, right: impl Sink<String>) -> Result<Job, StartError> {
    Engine::new().manual_clock(&ManualClock::new()).start(twice::Ports { lines: line(), left, right })
}

/// That a start is refused, with these words.
fn refused(started: Result<Job, StartError>, words: &[&str]) {
    let error = started.err().expect("it is refused");
    assert_eq!(error.code(), "start.target", "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

fn rows(
    path: &Path,
    table: &str,
) -> sqlite::Table<sqlite::Appended<1>, impl Fn(String) -> (String,) + use<>> {
    sqlite::append(path, table, ["text"]).row(|text: String| (text,))
}

#[tokio::test]
async fn two_sinks_on_one_prefix() {
    let place = tempfile::tempdir().expect("temp");
    let at = |path: &str| place.path().join(path);
    fs::create_dir(at("real")).expect("made");
    #[cfg(unix)]
    std::os::unix::fs::symlink(at("real"), at("link")).expect("linked");
    let both = |one: &str, other: &str| start(text_files(at(one)), text_files(at(other)));
    for (one, other) in [
        ("out", "out"),
        ("out", "./out"),
        ("real/out", "real/../real/out"),
        ("none/out", "none/./out"),
        ("none/deep/out", "none/deep/../deep/out"),
        #[cfg(unix)]
        ("real/out", "link/out"),
        #[cfg(unix)]
        ("real/new/out", "link/new/out"),
    ] {
        refused(both(one, other), &["left", "right", "out"]);
    }
    for (one, other) in [("out", "out2"), ("real/out", "out")] {
        let mut job = both(one, other).expect("two places");
        in_time(job.stop()).await.expect("it stops well");
    }
    let mut job = start(text_files(at("out")), text_files(at("out")).suffix("txt")).expect("two names");
    in_time(job.stop()).await.expect("it stops well");
    // Inside of policies.
    let inner = || text_files(at("out")).timeout(secs(1)).retry(Default::default());
    refused(start(inner(), text_files(at("out"))), &["left", "right"]);
    refused(start(text_files(at("a")).or_dead_letter(text_files(at("out"))), inner()), &["left", "right"]);
    refused(start(text_files(at("a")).or_dead_letter(text_files(at("a"))), collect().0), &["left"]);
}

#[tokio::test]
async fn two_sinks_on_one_table() {
    let place = tempfile::tempdir().expect("temp");
    let path = place.path().join("rows.db");
    refused(start(rows(&path, "rows"), rows(&path, "rows")), &["left", "right", "rows.db"]);
    refused(start(rows(&path, "rows"), rows(&place.path().join("./rows.db"), "ROWS")), &["left", "right"]);
    refused(start(rows(&path, "rows"), rows(&path, "other").name("rows")), &["left", "right"]);
    let mut job = start(rows(&path, "rows"), rows(&path, "rows").name("mine")).expect("two names");
    in_time(job.stop()).await.expect("it stops well");
    let mut job = start(rows(&path, "rows"), rows(&path, "others")).expect("two tables");
    in_time(job.stop()).await.expect("it stops well");
}

#[tokio::test]
async fn two_jobs_on_one_target() {
    let place = tempfile::tempdir().expect("temp");
    let out = || text_files(place.path().join("out"));
    let clock = ManualClock::new();
    let engine = || Engine::new().manual_clock(&clock);
    let (_sender, lines) = channel(1);
    let mut job = engine().name("first").start(copy::Ports { lines, out: out() }).expect("it starts");
    let again = || engine().start(copy::Ports { lines: line(), out: out() });
    refused(again(), &["out", "first"]);
    in_time(job.stop()).await.expect("it stops well");
    let mut job = again().expect("it is free");
    clock.advance(secs(1));
    in_time(job.join()).await.expect("it ends well");
    // A start that is refused holds nothing.
    refused(start(out(), out()), &["left"]);
    let mut job = again().expect("it is free");
    in_time(job.stop()).await.expect("it stops well");
    again().expect("it is free").abort().await;
    again().expect("it is free").abort().await;
}

#[tokio::test]
async fn a_sink_of_a_checkpoints_directory() {
    let place = tempfile::tempdir().expect("temp");
    let state = place.path().join("state");
    let refuses = |out: &Path| {
        let engine = Engine::new().manual_clock(&ManualClock::new()).checkpoint(Checkpoint::new(&state));
        refused(engine.start(copy::Ports { lines: line(), out: text_files(out) }), &["out", "checkpoint"]);
    };
    refuses(&state.join("out"));
    refuses(&state.join("deep/out"));
    refuses(&place.path().join("none/../state/out"));
    let engine = Engine::new().manual_clock(&ManualClock::new()).checkpoint(Checkpoint::new(&state));
    let out = text_files(place.path().join("state-out"));
    let mut job = engine.start(copy::Ports { lines: line(), out }).expect("beside it");
    in_time(job.stop()).await.expect("it stops well");
    let database = rows(&state.join("rows.db"), "rows");
    refused(engine.start(copy::Ports { lines: line(), out: database }), &["checkpoint"]);
}

#[tokio::test]
async fn a_sink_that_feeds_its_own_source() {
    let place = tempfile::tempdir().expect("temp");
    let at = |path: &str| place.path().join(path);
    let start = |lines: directory::Lines, out: &Path| {
        let engine = Engine::new().manual_clock(&ManualClock::new());
        engine.start(copy::Ports { lines, out: text_files(out) })
    };
    refused(start(directory::lines(at("spool/*")), &at("spool/out")), &["out", "lines", "spool"]);
    refused(start(directory::lines(at("s*/out-*")), &at("spool/out")), &["lines"]);
    let lines = directory::lines(at("spool/*")).filter(|path| !path.ends_with("part-00000"));
    start(lines, &at("spool/out")).expect("it is filtered out").abort().await;
    start(directory::lines(at("spool")), &at("spool/out")).expect("directories are no files").abort().await;
    start(directory::lines(at("spool/*")), &at("out")).expect("elsewhere").abort().await;
    let engine = Engine::new().manual_clock(&ManualClock::new());
    let ports = copy::Ports { lines: directory::lines(at("spool")), out: rows(&at("spool/rows.db"), "rows") };
    refused(engine.start(ports), &["rows.db"]);
    let ports = copy::Ports { lines: file::lines(at("rows.db")), out: rows(&at("rows.db"), "rows") };
    refused(engine.start(ports), &["rows.db"]);
}

#[tokio::test]
async fn what_is_refused_at_the_start_did_nothing() {
    let place = tempfile::tempdir().expect("temp");
    refused(start(text_files(place.path().join("out")), text_files(place.path().join("out"))), &[]);
    assert_eq!(fs::read_dir(place.path()).expect("there").count(), 0);
    let ports = copy::Ports { lines: line(), out: text_files(place.path().join("out")) };
    let clock = ManualClock::new();
    let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it is free");
    clock.advance(secs(1));
    let ended: Result<(), JobError> = in_time(job.join()).await;
    ended.expect("it ends well");
}
