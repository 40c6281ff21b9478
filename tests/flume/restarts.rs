//! A job that goes on from its checkpoint.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

use super::*;

/// `append` of an event by Thrift's compact protocol, and what is answered if it is OK.
fn call(body: u8) -> Vec<u8> {
    [b"\0\0\0\x12\x82\x21\x01\x06append\x1c\x1b\0\x18\x01", &[body][..], b"\0\0"].concat()
}

const OK: &[u8] = b"\0\0\0\x0e\x82\x41\x01\x06append\x05\0\0\0";

/// Sends an event from an address, and waits for OK.
async fn append(body: u8, from: SocketAddr, to: SocketAddr) -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("settable");
    socket.bind(from).expect("it is free");
    let mut client = socket.connect(to).await.expect("it listens");
    client.write_all(&call(body)).await.expect("open");
    let mut answer = [0; OK.len()];
    client.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, OK);
    client.local_addr().expect("it is bound")
}

/// An agent may come from the port that another had before the restart: its events are its own.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_from_an_address_again_begins_anew() {
    let directory = tempfile::tempdir().expect("temp");
    let mut from: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    for life in 0..3 {
        let body = b'0' + life;
        let source = flume::listen_thrift("127.0.0.1:0").expect("a free port");
        let to = source.local_addr();
        let (copies, collected) = collect();
        let engine = Engine::new().checkpoint(directory.path().join("state"));
        let job = engine.start(copy::Ports { events: source, copies }).expect("it starts");
        from = append(body, from, to).await;
        // What was answered OK was delivered; a batch of the life before may come again.
        let records = collected.records();
        assert!(records.contains(&flume::Event::new([body])), "life {life}: {records:?}");
        job.abort().await;
    }
}
