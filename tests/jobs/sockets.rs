//! Real sockets and real files, in and out.

use std::{fs, time::Duration};

use streaming_runtime::{
    connect::{collect, file, tcp, text_files},
    prelude::*,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

stream!(
    #[batch(millis(50))]
    fn word_count<lines: Source<String>, counts: Sink<(String, i64)>, all: Sink<String>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
        lines.to(all);
    }
);

async fn send(to: std::net::SocketAddr, bytes: &[u8]) {
    let mut peer = TcpStream::connect(to).await.expect("it listens");
    peer.write_all(bytes).await.expect("it reads");
}

#[tokio::test]
async fn many_clients_one_of_them_bad_into_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let prefix = folder.path().join("counts");
    let source = tcp::listen("127.0.0.1:0").expect("a free port");
    let (address, bad) = (source.local_addr(), source.bad_lines());
    let (all, lines) = collect();
    let counts = text_files(&prefix).format(|(word, n): &(String, i64)| format!("{word} {n}"));
    let engine = Engine::new().workers(2);
    let mut job = engine.start(word_count::Ports { lines: source, counts, all }).expect("it starts");

    let garbage = [&[0xff; 100][..], b" word\n", &[b'x'; 100_000], b"\n", b"last word"].concat();
    tokio::join!(send(address, b"a word\nanother word\n"), send(address, b"word\n"), send(address, &garbage));
    let there = |n| lines.wait_until(move |got| got.iter().map(|b| b.records.len()).sum::<usize>() >= n);
    assert!(tokio::time::timeout(Duration::from_secs(30), there(5)).await.expect("all five lines come"));
    job.stop().await.expect("it stops well");
    assert_eq!((bad.invalid_utf8(), bad.too_long()), (1, 1), "counted, not lost silently");

    let mut words = 0;
    for batch in fs::read_dir(folder.path()).expect("batches were written") {
        let part = batch.expect("a batch").path().join("part-00000");
        for line in fs::read_to_string(part).expect("a whole part").lines() {
            words += line.strip_prefix("word ").map_or(0, |n| n.parse::<i64>().expect("a count"));
        }
    }
    assert_eq!(words, 5);
}

#[tokio::test]
async fn a_server_that_comes_back_is_read_again() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = server.local_addr().expect("an address");
    let (all, lines) = collect();
    let (counts, _) = collect();
    let source = tcp::lines(address.to_string()).retry_after(millis(1), millis(10));
    let engine = Engine::new().close_early(true);
    let mut job = engine.start(word_count::Ports { lines: source, counts, all }).expect("it starts");
    for round in ["one", "two", "three"] {
        let (mut peer, _) = server.accept().await.expect("it connects again");
        peer.write_all(format!("{round}\n").as_bytes()).await.expect("it reads");
        assert!(lines.wait_until(|got| got.iter().any(|b| b.records.contains(&round.to_owned()))).await);
    }
    job.stop().await.expect("it stops well");
    assert_eq!(lines.records(), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_file_ends_its_job_with_every_line_delivered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines.txt");
    let text: String = (0..100_000).map(|n| format!("w{} w{}\n", n % 7, n % 11)).collect();
    fs::write(&path, text).expect("room for it");
    for workers in [1, 2] {
        let (counts, counted) = collect();
        let (all, lines) = collect();
        let engine = Engine::new().workers(workers);
        let ports = word_count::Ports { lines: file::lines(&path), counts, all };
        engine.start(ports).expect("it starts").join().await.expect("it ends by itself");
        assert_eq!(lines.records().len(), 100_000);
        assert_eq!(counted.records().iter().map(|(_, n)| n).sum::<i64>(), 200_000);
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_sources_error() {
    let ports =
        word_count::Ports { lines: file::lines("/no/such/file"), counts: collect().0, all: collect().0 };
    let error = Engine::new().start(ports).expect("it starts").join().await.expect_err("there is none");
    assert!(
        error.to_string().starts_with("source `lines`: ") && error.to_string().contains("/no/such/file"),
        "{error}"
    );
}
