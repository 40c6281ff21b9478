//! Sources that fail: before the first record, between records, at the end.

use std::{
    fs::{self, File},
    io::Write,
    time::UNIX_EPOCH,
};

use futures::stream;
use streaming_runtime::{
    Job,
    connect::{
        ConnectorError, OnInvalidUtf8, OnLongLine, SourceContext, collect, directory, file, from_stream, tcp,
        try_from_stream,
    },
    prelude::*,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::host::{Host, copy, copy_lines, ends, fails, soon};

/// Sends the numbers up to `at`, then does what it should not.
struct Faulty {
    at: i64,
    panics: bool,
}

impl Source<i64> for Faulty {
    async fn run(self, mut out: SourceContext<i64>) -> Result<(), ConnectorError> {
        for n in 0..self.at {
            out.send(n).await?;
        }
        match self.panics {
            true => panic!("a bug after {}", self.at),
            false => Err(ConnectorError::other(format!("the well is dry after {}", self.at))),
        }
    }
}

fn numbers(numbers: impl Source<i64>) -> impl FnOnce(&Engine) -> Job {
    move |engine| engine.start(copy::Ports { numbers, out: collect().0 }).expect("it starts")
}

fn lines(lines: impl Source<String>) -> impl FnOnce(&Engine) -> Job {
    move |engine| engine.start(copy_lines::Ports { lines, out: collect().0 }).expect("it starts")
}

#[tokio::test]
async fn one_of_ones_own() {
    // More than the queues hold, so that the job is in the midst of things.
    for at in [0, 1, 100_000] {
        let (error, code) = fails(numbers(Faulty { at, panics: false })).await;
        assert_eq!(error, format!("source `numbers`: the well is dry after {at}"));
        assert_eq!(code, "job.source");
        let (error, code) = fails(numbers(Faulty { at, panics: true })).await;
        assert_eq!(error, format!("connector of port `numbers` panicked: a bug after {at}"));
        assert_eq!(code, "job.connector_panicked");
    }
}

#[tokio::test]
async fn a_stream() {
    for at in [0, 3, 5000] {
        let items = (0..at).map(Ok).chain([Err("the sensor is gone"), Ok(1)]);
        let (error, code) = fails(numbers(try_from_stream(stream::iter(items)))).await;
        assert_eq!((error.as_str(), code), ("source `numbers`: the sensor is gone", "job.source"));
        let items = (0..=at).map(move |n| if n < at { n } else { panic!("a bug in a stream") });
        let (error, code) = fails(numbers(from_stream(stream::iter(items)))).await;
        assert_eq!(error, "connector of port `numbers` panicked: a bug in a stream");
        assert_eq!(code, "job.connector_panicked");
    }
}

#[tokio::test]
async fn a_file() {
    let directory = tempfile::tempdir().expect("temp");
    let path = |name: &str| directory.path().join(name);
    let (error, code) = fails(lines(file::lines(path("none")))).await;
    assert!(error.starts_with("source `lines`: open `") && error.contains("none"), "{error}");
    assert_eq!(code, "job.source");
    let (error, _) = fails(lines(file::lines(directory.path()))).await;
    assert!(error.ends_with("is no regular file"), "{error}");
    // Between lines, and in the last, which nothing ends.
    for text in [&b"a\n\xff\nb\n"[..], &b"a\nb\n\xff"[..]] {
        fs::write(path("bad"), text).expect("written");
        let source = file::lines(path("bad")).on_invalid_utf8(OnInvalidUtf8::Fail);
        let (error, _) = fails(lines(source)).await;
        assert!(error.ends_with("a line is not valid UTF-8"), "{error}");
    }
    fs::write(path("long"), "four\n").expect("written");
    let (error, _) = fails(lines(file::lines(path("long")).max_line(3).on_long_line(OnLongLine::Fail))).await;
    assert!(error.contains("the line at byte 0 has 4 bytes or more, and at most 3 are taken"), "{error}");
    // Of a file nothing should be missing, so that is the default.
    let (by_default, _) = fails(lines(file::lines(path("long")).max_line(3))).await;
    assert_eq!(by_default, error);
    // Unless told otherwise none of this is worth a job.
    for name in ["bad", "long"] {
        let source = file::lines(path(name)).max_line(3).on_long_line(OnLongLine::Skip);
        ends(lines(source)).await.expect("it is counted");
    }
}

#[tokio::test]
async fn a_directory() {
    let directory = tempfile::tempdir().expect("temp");
    let (error, code) = fails(lines(directory::lines(directory.path().join("{a")))).await;
    assert!(error.starts_with("source `lines`: "), "{error}");
    assert_eq!(code, "job.source");
    for (name, text) in [("a", &b"fine\n"[..]), ("b", b"\xff\n")] {
        let mut file = File::create(directory.path().join(name)).expect("made");
        file.write_all(text).expect("written");
        // New by the clock of the test.
        file.set_modified(UNIX_EPOCH + millis(500)).expect("settable");
    }
    let all = || directory::lines(directory.path()).new_files_only(false);
    let (error, _) = fails(lines(all().on_invalid_utf8(OnInvalidUtf8::Fail))).await;
    assert!(error.ends_with("a line is not valid UTF-8"), "{error}");
    let (error, _) = fails(lines(all().max_files(1))).await;
    assert!(error.ends_with("more than 1"), "{error}");
}

/// A server that sends `text` to its only client and goes.
async fn server(text: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        if !text.is_empty() {
            let (mut client, _) = listener.accept().await.expect("it connects");
            client.write_all(text).await.expect("it reads");
        }
    });
    address
}

#[tokio::test]
async fn a_server() {
    for text in [&b""[..], b"one\ntwo\n"] {
        let source = tcp::lines(server(text).await).retry_after(millis(1), millis(2)).attempts(3);
        let (error, code) = fails(lines(source)).await;
        assert!(error.contains("gave up after 3 attempts"), "{error}");
        assert_eq!(code, "job.source");
    }
    let source = tcp::lines(server(b"one\ntwo\n\xff\n").await).on_invalid_utf8(OnInvalidUtf8::Fail);
    let (error, _) = fails(lines(source)).await;
    assert!(error.ends_with("a line is not valid UTF-8"), "{error}");
}

#[tokio::test]
async fn a_client_cannot_end_the_job() {
    let host = Host::new().await;
    let source = tcp::listen("127.0.0.1:0").expect("a free port").on_invalid_utf8(OnInvalidUtf8::Fail);
    let (address, connections) = (source.local_addr(), source.connections());
    let (sink, out) = collect();
    let ports = copy_lines::Ports { lines: source, out: sink };
    let mut job = host.engine().close_early(true).start(ports).expect("it starts");
    for (text, want) in [(&b"one\n\xff\nlost\n"[..], "one"), (b"two\n", "two")] {
        let mut client = TcpStream::connect(address).await.expect("it listens");
        client.write_all(text).await.expect("it reads");
        assert!(soon(out.wait_until(|got| got.iter().any(|b| b.records.contains(&want.to_owned())))).await);
    }
    job.stop().await.expect("it stops well");
    assert_eq!((out.records(), connections.broken()), (vec!["one".to_owned(), "two".to_owned()], 1));
    drop(job);
    host.unharmed().await;
}
