//! Sinks that fail: at their first batch, at a later one, when they are closed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use futures::sink;
use streaming_runtime::{
    JobError,
    connect::{Batch, ConnectorError, channel_sink, collect, console, into_sink, text_files},
    prelude::*,
};

use super::host::{ends, fails, into};

/// What a sink is asked to do, from 1: batches, then the close.
const CLOSE: usize = 4;

/// Counts what it is asked and does what it should not when it is asked for the `at`th time.
struct Faulty {
    asked: usize,
    at: usize,
    panics: bool,
}

impl Faulty {
    fn ask(&mut self) -> Result<(), ConnectorError> {
        self.asked += 1;
        match (self.asked == self.at, self.panics) {
            (true, true) => panic!("a bug at {}", self.at),
            (true, false) => Err(ConnectorError::other(format!("no more at {}", self.at))),
            (false, _) => Ok(()),
        }
    }
}

impl Sink<i64> for Faulty {
    async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
        self.ask()
    }
    async fn close(&mut self) -> Result<(), ConnectorError> {
        self.ask()
    }
}

#[tokio::test]
async fn one_of_ones_own() {
    for at in 1..=CLOSE {
        let (error, code) = fails(into(Faulty { asked: 0, at, panics: false })).await;
        assert_eq!((error, code), (format!("sink `out`: no more at {at}"), "job.sink"));
        let (error, code) = fails(into(Faulty { asked: 0, at, panics: true })).await;
        assert_eq!(
            (error, code),
            (format!("connector of port `out` panicked: a bug at {at}"), "job.connector_panicked")
        );
    }
}

#[tokio::test]
async fn a_futures_sink() {
    for at in 1..=3 {
        let out = sink::unfold(0, move |asked, _: i64| async move {
            match asked + 1 < at {
                true => Ok(asked + 1),
                false => Err("the line is down"),
            }
        });
        let (error, code) = fails(into(into_sink(Box::pin(out)))).await;
        assert_eq!((error.as_str(), code), ("sink `out`: the line is down", "job.sink"));
    }
    let out = sink::unfold((), |(), _: i64| async { panic!("a bug in a sink") });
    let out = futures::SinkExt::<i64>::sink_map_err(out, |never: String| never);
    let (error, _) = fails(into(into_sink(Box::pin(out)))).await;
    assert_eq!(error, "connector of port `out` panicked: a bug in a sink");
}

/// Standard output with a fault.
struct Paper(Faulty);

impl Write for Paper {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.ask().map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(text.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_console() {
    for at in 1..CLOSE {
        let out = console().to_writer(Paper(Faulty { asked: 0, at, panics: false }));
        assert_eq!(fails(into(out)).await, ("sink `out`: print a batch: broken pipe".to_owned(), "job.sink"));
        let out = console().to_writer(Paper(Faulty { asked: 0, at, panics: true }));
        let (error, code) = fails(into(out)).await;
        assert_eq!(error, format!("connector of port `out` panicked: a bug at {at}"));
        assert_eq!(code, "job.connector_panicked");
    }
}

#[tokio::test]
async fn text_files_with_something_in_the_way() {
    for time in [1000, 2000, 3000] {
        let root = tempfile::tempdir().expect("temp");
        fs::write(root.path().join(format!("out-{time}")), "in the way").expect("written");
        let (error, code) = fails(into(text_files(root.path().join("out")))).await;
        assert!(
            error.starts_with("sink `out`: make the directory") && error.contains(&time.to_string()),
            "{error}"
        );
        assert_eq!(code, "job.sink");
    }
}

/// Whether an error says that there is no room left.
#[cfg(unix)]
fn is_full(ended: Result<(), JobError>) -> bool {
    match ended {
        Err(JobError::Sink { port: "out", source: ConnectorError::Io { source, .. } }) => {
            source.kind() == io::ErrorKind::StorageFull
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk() {
    use std::os::unix::fs::symlink;
    if !Path::new("/dev/full").exists() {
        return;
    }
    let full = || File::options().write(true).open("/dev/full").expect("it opens");
    assert!(is_full(ends(into(console().to_writer(full()))).await));
    // The drafts of the second batch land on a full disk, whatever their number: somebody holds their lock, so that they
    // are not taken for what a killed process left.
    let held = full();
    held.lock().expect("nobody has it");
    let root = tempfile::tempdir().expect("temp");
    let second = root.path().join("out-2000");
    fs::create_dir(&second).expect("made");
    for draft in 0..1000 {
        symlink("/dev/full", second.join(format!(".part-00000.{draft}.tmp"))).expect("made");
    }
    assert!(is_full(ends(into(text_files(root.path().join("out")))).await));
    assert_eq!(fs::read_to_string(root.path().join("out-1000/part-00000")).expect("there"), "1\n2\n");
    assert!(!second.join("part-00000").exists(), "no half of a batch is left");
}

#[tokio::test]
async fn one_that_collects_too_much() {
    for (limit, taken) in [(0, 0), (2, 2), (3, 3)] {
        let (out, collected) = collect();
        let (error, code) = fails(into(out.limit(limit))).await;
        assert!(error.starts_with("sink `out`: collect()"), "{error}");
        assert_eq!((code, collected.records().len()), ("job.sink", taken));
    }
}

#[tokio::test]
async fn a_receiver_that_goes() {
    for batches in 0..3 {
        let (out, mut receiver) = channel_sink(1);
        let reader = tokio::spawn(async move {
            for _ in 0..batches {
                receiver.recv().await.expect("a batch");
            }
        });
        let (error, code) = fails(into(out)).await;
        assert_eq!((error.as_str(), code), ("sink `out`: the other end is closed", "job.sink"));
        reader.await.expect("no panic");
    }
}
