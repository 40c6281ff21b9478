use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    call::{Call, Status},
    frame::{End, Frame, Room},
    *,
};
use crate::{connect::Source as _, time::millis};

/// No frame of the tests is larger.
const MOST: usize = 1 << 16;

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (btree_map("\\PC{0,9}", "\\PC{0,9}", 0..5), vec(any::<u8>(), 0..200));
    vec(event.prop_map(|(headers, body)| Event { headers, body }), 0..40)
}

fn read(bytes: &[u8], framing: Framing) -> Result<Frame, End> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (mut from, room) = (bytes, Room::new(MOST));
    runtime.block_on(frame::read(&mut from, (framing, MOST), millis(1000), &room))
}

/// All that bytes may be taken for.
fn take(bytes: &[u8]) {
    for framing in [Framing::Avro, Framing::Thrift] {
        if let Ok(frame) = read(bytes, framing) {
            assert!(frame.bytes.len() <= MOST);
        }
    }
    let _ = avro::Answerer::default().hear(bytes, MOST);
    let _ = thrift::hear(bytes, MOST);
    let _ = avro::Caller::default().hear(bytes);
    let _ = thrift::heard(bytes, 1);
    // Behind a handshake that is right.
    let mut known = avro::Answerer::default();
    known.hear(&avro::Caller::default().append(&[]), MOST).expect("a call");
    let _ = known.hear(bytes, MOST);
    let _ = known.hear(&[b"\x00\x16appendBatch", bytes].concat(), MOST);
    let _ = thrift::hear(&[b"\x82\x21\x01\x0bappendBatch", bytes].concat(), MOST);
    let _ = thrift::hear(&[b"\x80\x01\x00\x01\x00\x00\x00\x06append\x00\x00\x00\x01", bytes].concat(), MOST);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        take(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn calls_that_are_cut_or_changed_never_panic(events in events(), at: prop::sample::Index, byte: u8) {
        for mut call in [avro::Caller::default().append(&events), thrift::append(1, &events)] {
            let at = at.index(call.len());
            take(&call[..at]);
            call[at] = byte;
            take(&call);
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(events in events()) {
        let room = 1 << 20;
        let mut answerer = avro::Answerer::default();
        let mut caller = avro::Caller::default();
        // With the handshake, and without.
        for _ in 0..2 {
            let mut heard = answerer.hear(&caller.append(&events), room).expect("a call");
            prop_assert_eq!(&heard.call, &Call::Append(events.clone()));
            avro::put_status(&mut heard.answer, Status::Ok);
            prop_assert_eq!(caller.hear(&heard.answer).expect("an answer"), avro::Answer::Taken);
        }
        let heard = thrift::hear(&thrift::append(7, &events), room).expect("a call");
        prop_assert_eq!(&heard.call, &Call::Append(events));
        let answer = heard.status(Status::Failed);
        prop_assert_eq!(thrift::heard(&answer, 7).expect("an answer"), avro::Answer::Refused("FAILED".into()));
        prop_assert!(thrift::heard(&answer, 8).is_err());
    }
}

#[test]
fn a_small_frame_makes_no_large_contents() {
    let many = vec![Event::default(); 2_000];
    let (avro, thrift) = (avro::Caller::default().append(&many), thrift::append(1, &many));
    assert!(avro.len() < MOST && thrift.len() < MOST);
    assert!(avro::Answerer::default().hear(&avro, MOST).is_err());
    assert!(thrift::hear(&thrift, MOST).is_err());
}

#[test]
fn a_frame_above_its_bound_is_refused_before_it_is_read() {
    let refused = |bytes: &[u8], framing| matches!(read(bytes, framing), Err(End::Refused(_)));
    assert!(refused(&i32::MAX.to_be_bytes(), Framing::Thrift));
    assert!(refused(&(-1_i32).to_be_bytes(), Framing::Thrift));
    assert!(refused(&[0, 0, 0, 1, 0x7f, 0, 0, 0], Framing::Avro));
    assert!(refused(&[0, 0, 0, 1, 0, 0, 0, 1, 0, 2, 0, 0], Framing::Avro));
}

#[tokio::test]
async fn garbage_ends_its_connection_and_no_other() {
    for listen in [listen_avro("127.0.0.1:0"), listen_thrift("127.0.0.1:0")] {
        let source = listen.expect("a free port").max_connections(3);
        let (address, connections) = (source.local_addr(), source.connections());
        assert_eq!(source.properties().recovery, crate::connect::Recovery::Logged);
        let running = crate::contract::testing::run(source);
        for _ in 0..5 {
            let mut client = tokio::net::TcpStream::connect(address).await.expect("it listens");
            client.write_all(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n").await.expect("open");
            assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)), "it is closed");
        }
        while connections.malformed() < 5 {
            tokio::task::yield_now().await;
        }
        assert!(!running.task.is_finished());
        running.task.abort();
    }
}

/// `append` of an event by Thrift.
fn framed() -> Vec<u8> {
    let call = thrift::append(1, &[Event::new("x")]);
    [&(call.len() as u32).to_be_bytes()[..], &call].concat()
}

async fn connect(to: std::net::SocketAddr) -> tokio::net::TcpStream {
    tokio::net::TcpStream::connect(to).await.expect("it listens")
}

#[tokio::test]
async fn what_is_not_durable_in_time_is_answered_failed() {
    let source = listen_thrift("127.0.0.1:0").expect("a free port").answer_within(millis(20));
    let (address, connections) = (source.local_addr(), source.connections());
    // Its records are taken, and their receipts kept until the end.
    let mut running = crate::contract::testing::run(source);
    let mut client = connect(address).await;
    let (mut chunks, mut frames) = (Vec::new(), 0);
    while frames < 2 {
        client.write_all(&framed()).await.expect("open");
        let mut length = [0; 4];
        client.read_exact(&mut length).await.expect("an answer");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(thrift::heard(&answer, 1), Ok(avro::Answer::Refused("FAILED".into())));
        chunks.extend(running.chunk().await);
        frames += 1;
    }
    assert_eq!(chunks, vec![Event::new("x"); 2]);
    assert_eq!((connections.failed(), connections.answered(), connections.open()), (2, 0, 1));
    running.task.abort();
}

#[tokio::test]
async fn agents_and_what_they_send_are_bounded() {
    let source = listen_thrift("127.0.0.1:0").expect("a free port").max_connections(1).max_waiting(1_000);
    let (address, connections) = (source.local_addr(), source.connections());
    let running = crate::contract::testing::run(source);
    let mut first = connect(address).await;
    while connections.open() < 1 {
        tokio::task::yield_now().await;
    }
    let mut second = connect(address).await;
    assert!(matches!(second.read(&mut [0]).await, Ok(0) | Err(_)), "one too many");
    // More than all that may wait, and less than a frame may have.
    first.write_all(&2_000_u32.to_be_bytes()).await.expect("open");
    assert!(matches!(first.read(&mut [0]).await, Ok(0) | Err(_)), "there is no room");
    while connections.open() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((connections.refused(), connections.full(), connections.malformed()), (1, 1, 0));
    running.task.abort();
}

#[tokio::test]
async fn who_is_silent_is_closed() {
    let source = listen_avro("127.0.0.1:0").expect("a free port").idle_timeout(millis(5));
    let (address, connections) = (source.local_addr(), source.connections());
    let running = crate::contract::testing::run(source);
    let mut silent = connect(address).await;
    assert!(matches!(silent.read(&mut [0]).await, Ok(0) | Err(_)), "it is closed");
    while connections.broken() < 1 {
        tokio::task::yield_now().await;
    }
    running.task.abort();
}
