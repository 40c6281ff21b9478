//! What is in files that is not lines of text, and files that change while they are read.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use streaming_runtime::{
    Engine, JobError, ManualClock, Source,
    connect::{ConnectorError, OnLongLine, channel_sink, collect, directory, file},
    prelude::*,
};

use crate::{copied, copy, in_time};

/// What is done to a file while it is read, and its name.
type Harm<'a> = (&'a str, fn(&Path));

/// Puts a file in place that is new for the first batch of a manual clock.
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("written");
    let file = OpenOptions::new().append(true).open(path).expect("there");
    file.set_modified(UNIX_EPOCH + Duration::from_millis(500)).expect("settable");
}

fn all(place: &Path) -> directory::Lines {
    directory::lines(place).new_files_only(false)
}

/// What comes of a file's bytes, read by its name and in its directory; the same.
async fn read(bytes: &[u8]) -> Result<Vec<String>, ConnectorError> {
    let place = tempfile::tempdir().expect("temp");
    let path = place.path().join("file");
    put(&path, bytes);
    let (one, ended) = copied(file::lines(&path)).await;
    let (other, with) = in_a_batch(all(place.path())).await;
    let code = |ended: &Result<(), JobError>| ended.as_ref().err().map(|error| error.to_string());
    assert_eq!(code(&ended), code(&with));
    match ended {
        Ok(()) => {
            assert_eq!(one, other);
            Ok(one)
        }
        // A batch that was open when its source failed may be delivered or not.
        Err(JobError::Source { port: "lines", source }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

/// What a source has in the first batch.
async fn in_a_batch(lines: impl Source<String>) -> (Vec<String>, Result<(), JobError>) {
    let (clock, (out, copied)) = (ManualClock::new(), collect());
    let mut job = Engine::new().manual_clock(&clock).start(copy::Ports { lines, out }).expect("it starts");
    clock.advance(secs(1));
    let mut ended = in_time(job.delivered(clock.now())).await;
    if ended.is_ok() {
        ended = in_time(job.stop()).await;
    }
    (copied.records(), ended)
}

#[tokio::test]
async fn a_byte_order_mark_is_no_text() {
    assert_eq!(read(b"\xef\xbb\xbfid,name\n1,a\n").await.expect("text"), ["id,name", "1,a"]);
    assert_eq!(read(b"\xef\xbb\xbf").await.expect("text"), [""; 0]);
    assert_eq!(read(b"\xef\xbb\xbf\n").await.expect("text"), [""]);
    assert_eq!(read(b"\xef\xbb\xbfone").await.expect("text"), ["one"]);
    // Only at the beginning, and only a whole one, once.
    assert_eq!(read("a\n\u{feff}b\n".as_bytes()).await.expect("text"), ["a", "\u{feff}b"]);
    assert_eq!(read(b"\xef\xbb\xbf\xef\xbb\xbfa\n").await.expect("text"), ["\u{feff}a"]);
    assert_eq!(read(b"\xef\xbbx\n").await.expect("replaced"), ["\u{fffd}x"]);
}

#[tokio::test]
async fn what_is_no_utf_8_by_its_first_bytes_is_refused_by_name() {
    let files: [(&[u8], &str); 14] = [
        (b"\xff\xfea\0\n\0", "UTF-16"),
        (b"\xfe\xff\0a\0\n", "UTF-16"),
        (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
        (b"\0\0\xfe\xff\0\0\0a", "UTF-32"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "gzip"),
        (b"\x1f\x9d\x90ab", "compress"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard"),
        (b"BZh91AY&SY\x01", "bzip2"),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\x04\x22\x4d\x18\x60", "LZ4"),
        (b"\xff\x06\0\0sNaPpY\x01", "Snappy"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7z"),
        (b"PK\x05\x06\0\0\0\0", "zip"),
    ];
    for (bytes, kind) in files {
        let error = read(bytes).await.expect_err(kind);
        assert_eq!(error.code(), "connector.not_text", "{kind}: {error}");
        let text = error.to_string();
        assert!(text.contains(kind) && text.contains("/file`"), "{kind}: {text}");
    }
    for text in ["BZh is a word", "PK", "7z", "BZh9", "PK me", "\u{4}\"M"] {
        assert_eq!(read(text.as_bytes()).await.expect("text"), [text]);
    }
}

#[tokio::test]
async fn ends_of_lines() {
    assert_eq!(read(b"a\r\nb\r\n").await.expect("text"), ["a", "b"]);
    assert_eq!(read(b"a\n\nb").await.expect("text"), ["a", "", "b"]);
    assert_eq!(read(b"a\0b\n").await.expect("text"), ["a\0b"]);
    assert_eq!(read(b"").await.expect("text"), [""; 0]);
}

#[tokio::test]
async fn a_long_line_of_a_file_ends_the_job_unless_told_otherwise() {
    let text = format!("short\n{}\nlast\n", "x".repeat(70_000));
    let error = read(text.as_bytes()).await.expect_err("70 kB");
    assert_eq!(error.code(), "connector.line_too_long");
    let said = error.to_string();
    for word in ["/file:", "byte 6", "65536", "max_line", "OnLongLine::Skip"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // A line whose end is not in the first read, and one that is in the middle of a block.
    let text = format!("{}\n{}\nlast\n", "a".repeat(60_000), "x".repeat(66_000));
    assert!(read(text.as_bytes()).await.expect_err("66 kB").to_string().contains("byte 60001"));

    let place = tempfile::tempdir().expect("temp");
    let path = place.path().join("file");
    put(&path, text.as_bytes());
    let skip = file::lines(&path).on_long_line(OnLongLine::Skip);
    let bad = skip.bad_lines();
    let (lines, ended) = copied(skip).await;
    ended.expect("it is told to");
    assert_eq!((lines.len(), bad.too_long()), (2, 1));
    let (lines, ended) = in_a_batch(all(place.path()).max_line(66_000)).await;
    ended.expect("it fits");
    assert_eq!(lines.len(), 3);
}

/// So many lines of 100 bytes that much is unread while a sink is not done with the first.
fn large(mark: char) -> String {
    (0..200_000).map(|n| format!("{n:099}").replace('0', &mark.to_string()) + "\n").collect()
}

/// Reads a large file, to which something is done when its first lines are out; its lines, and how it ended.
async fn harmed(
    source: impl Source<String>,
    path: &Path,
    harm: impl FnOnce(&Path),
) -> (Vec<String>, Result<(), JobError>) {
    put(path, large('a').as_bytes());
    let (out, mut batches) = channel_sink(1);
    let clock = ManualClock::new();
    let engine = Engine::new().manual_clock(&clock).close_early(true).in_flight(1).queue(1);
    let mut job = engine.start(copy::Ports { lines: source, out }).expect("it starts");
    clock.advance(secs(1));
    let mut lines = Vec::new();
    let mut harm = Some(harm);
    let reading = async {
        while let Some(batch) = batches.next().await {
            lines.extend(batch.records);
            if !lines.is_empty()
                && let Some(harm) = harm.take()
            {
                harm(path);
            }
        }
    };
    let ends = async {
        let ended = job.join().await;
        drop(job);
        ended
    };
    let (ended, ()) = in_time(async { tokio::join!(ends, reading) }).await;
    (lines, ended)
}

use futures::StreamExt as _;

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let place = tempfile::tempdir().expect("temp");
    let path = place.path().join("file");
    let harms: [Harm<'_>; 4] = [
        ("cut in a line", |path| {
            OpenOptions::new().write(true).open(path).expect("there").set_len(15_000_050).expect("cut")
        }),
        ("emptied", |path| drop(File::create(path).expect("emptied"))),
        ("written anew", |path| fs::write(path, large('b')).expect("written")),
        ("replaced", |path| {
            fs::write(path.with_extension("new"), large('b')).expect("written");
            fs::rename(path.with_extension("new"), path).expect("renamed");
        }),
    ];
    for (how, harm) in harms {
        let (lines, ended) = harmed(file::lines(&path), &path, harm).await;
        let error = ended.expect_err(how);
        let JobError::Source { port: "lines", source } = error else { panic!("{how}: {error}") };
        assert_eq!(source.code(), "connector.changed_while_read", "{how}: {source}");
        assert!(source.to_string().contains("/file`"), "{how}: {source}");
        assert!(lines.iter().all(|line| line.len() == 99), "{how}: no half line");
    }
}

#[tokio::test]
async fn to_append_to_a_file_or_to_remove_its_name_does_no_harm() {
    let place = tempfile::tempdir().expect("temp");
    let path = place.path().join("file");
    let harmless: [Harm<'_>; 3] = [
        ("appended", |path| {
            let mut file = OpenOptions::new().append(true).open(path).expect("there");
            file.write_all(b"more\n").expect("written");
        }),
        ("removed", |path| fs::remove_file(path).expect("removed")),
        ("moved", |path| fs::rename(path, path.with_extension("1")).expect("moved")),
    ];
    for (how, harm) in harmless {
        let (lines, ended) = harmed(file::lines(&path), &path, harm).await;
        ended.unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(lines.len(), 200_000, "{how}");
    }
}
