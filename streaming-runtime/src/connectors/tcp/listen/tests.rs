use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{connectors::lines::OnLongLine, contract::testing, time::millis};

fn local() -> Listen {
    listen("127.0.0.1:0").expect("a free port")
}

async fn client(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.expect("it listens")
}

/// Waits until the other side has closed, cleanly or not.
async fn closed(mut client: TcpStream) {
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_taken_port_is_an_error_at_once() {
    let first = local();
    let error = listen(first.local_addr()).expect_err("taken");
    assert_eq!(error.code(), "connector.io");
    assert!(error.to_string().contains(&first.local_addr().to_string()), "{error}");
}

#[tokio::test]
async fn many_clients_each_in_order() {
    let source = local();
    let (address, connections) = (source.local_addr(), source.connections());
    let mut running = testing::run(source);
    for c in 0..20 {
        tokio::spawn(async move {
            let mut client = client(address).await;
            for n in 0..500 {
                client.write_all(format!("{c} {n}\n").as_bytes()).await.expect("open");
            }
            client.write_all(format!("{c} 500").as_bytes()).await.expect("open");
        });
    }
    let mut next = [0; 20];
    for line in running.take(20 * 501).await {
        let (c, n) = line.split_once(' ').expect("two numbers");
        let (c, n): (usize, i32) = (c.parse().expect("a number"), n.parse().expect("a number"));
        assert_eq!(next[c], n, "of client {c}");
        next[c] += 1;
    }
    assert_eq!(next, [501; 20]);
    assert_eq!((connections.accepted(), connections.refused(), connections.broken()), (20, 0, 0));
    running.task.abort();
}

#[tokio::test]
async fn a_broken_client_does_not_harm_others() {
    let source = local().max_line(5).on_long_line(OnLongLine::Fail);
    let (address, connections) = (source.local_addr(), source.connections());
    let mut running = testing::run(source);
    let mut good = client(address).await;
    good.write_all(b"good\n").await.expect("open");
    assert_eq!(running.take(1).await, ["good"]);

    let mut reset = client(address).await;
    reset.write_all(b"reset\npart").await.expect("open");
    assert_eq!(running.take(1).await, ["reset"]);
    reset.set_zero_linger().expect("settable");
    drop(reset);

    let mut long = client(address).await;
    long.write_all(b"fine\ntoo long\n").await.expect("open");
    assert_eq!(running.take(1).await, ["fine"]);
    closed(long).await;

    // Last in, so that what came before has been seen when its line is.
    let mut other = client(address).await;
    for (client, line) in [(&mut other, "other"), (&mut good, "still")] {
        client.write_all(format!("{line}\n").as_bytes()).await.expect("open");
        assert_eq!(running.take(1).await, [line]);
    }
    while connections.broken() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((connections.accepted(), connections.open()), (4, 2));
    running.task.abort();
}

#[tokio::test]
async fn too_many_are_closed_at_once_and_counted() {
    let source = local().max_connections(1);
    let (address, connections) = (source.local_addr(), source.connections());
    let mut running = testing::run(source);
    let mut first = client(address).await;
    first.write_all(b"a\n").await.expect("open");
    assert_eq!(running.take(1).await, ["a"]);
    closed(client(address).await).await;
    assert_eq!((connections.accepted(), connections.refused(), connections.open()), (1, 1, 1));
    first.write_all(b"b").await.expect("open");
    drop(first);
    assert_eq!(running.take(1).await, ["b"]);
    // There is room again.
    let mut second = client(address).await;
    second.write_all(b"c\n").await.expect("open");
    assert_eq!(running.take(1).await, ["c"]);
    running.task.abort();
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let source = local().idle_timeout(millis(5));
    let (address, connections) = (source.local_addr(), source.connections());
    let running = testing::run(source);
    closed(client(address).await).await;
    assert_eq!(connections.broken(), 1);
    running.task.abort();
}

#[tokio::test]
async fn while_the_workers_are_behind_clients_wait() {
    let source = local();
    let address = source.local_addr();
    let mut running = testing::run(source);
    // Far more than what sockets and queues hold together.
    const LINES: usize = 2_000_000;
    let writer = tokio::spawn(async move {
        let mut client = client(address).await;
        let text = "0123456789\n".repeat(1000);
        for _ in 0..LINES / 1000 {
            client.write_all(text.as_bytes()).await.expect("open");
        }
    });
    assert_eq!(running.take(1).await.len(), 1);
    // Nobody takes any more, so the writer cannot be done; then all comes.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!writer.is_finished());
    assert_eq!(running.take(LINES - 1).await.len(), LINES - 1);
    writer.await.expect("all written");
    running.task.abort();
}

#[tokio::test]
async fn silent_clients_lock_nobody_out() {
    let source = local().max_connections(8);
    let (address, connections) = (source.local_addr(), source.connections());
    let mut running = testing::run(source);
    let mut good = client(address).await;
    good.write_all(b"good\n").await.expect("open");
    assert_eq!(running.take(1).await, ["good"]);
    let mut silent = Vec::new();
    for _ in 0..7 {
        silent.push(client(address).await);
    }
    while connections.accepted() < 8 {
        tokio::task::yield_now().await;
    }
    // A line that has not ended is none.
    silent[0].write_all(b"begun").await.expect("open");
    let mut others = Vec::new();
    for n in 0..7 {
        let mut other = client(address).await;
        other.write_all(format!("{n}\n").as_bytes()).await.expect("open");
        assert_eq!(running.take(1).await, [n.to_string()]);
        others.push(other);
    }
    // All that are left have sent something lately.
    closed(client(address).await).await;
    assert_eq!((connections.evicted(), connections.refused()), (7, 1));
    good.write_all(b"still\n").await.expect("open");
    assert_eq!(running.take(1).await, ["still"]);
    running.task.abort();
}

#[tokio::test]
async fn who_sends_no_line_in_time_is_closed() {
    let source = local().first_line_within(millis(20));
    let (address, connections) = (source.local_addr(), source.connections());
    let mut running = testing::run(source);
    let mut good = client(address).await;
    good.write_all(b"good\n").await.expect("open");
    assert_eq!(running.take(1).await, ["good"]);
    closed(client(address).await).await;
    assert_eq!(connections.broken(), 1);
    good.write_all(b"still\n").await.expect("open");
    assert_eq!(running.take(1).await, ["still"]);
    running.task.abort();
}

#[tokio::test]
async fn lines_that_do_not_end_are_bounded_together() {
    let source = local().max_unfinished(100_000).max_line(60_000);
    let (address, connections) = (source.local_addr(), source.connections());
    let mut running = testing::run(source);
    let mut small = client(address).await;
    small.write_all(b"sma").await.expect("open");
    let mut large = Vec::new();
    for _ in 0..20 {
        let mut client = client(address).await;
        client.write_all(&[b'x'; 50_000]).await.expect("open");
        large.push(client);
    }
    while connections.unfinished() < 18 {
        tokio::task::yield_now().await;
    }
    small.write_all(b"ll\n").await.expect("open");
    assert_eq!(running.take(1).await, ["small"]);
    assert!(connections.open() <= 3 && !running.task.is_finished());
    running.task.abort();
}
