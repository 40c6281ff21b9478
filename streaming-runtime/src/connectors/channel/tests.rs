//! Tests of `channel`.

use std::time::Duration;

use futures::StreamExt;

use super::*;
use crate::{contract::testing, time::BatchTime};

#[tokio::test]
async fn records_arrive_in_order_and_the_source_ends_with_its_senders() {
    let (sender, source) = channel(8);
    let mut running = testing::run(source);
    let other = sender.clone();
    tokio::spawn(async move {
        for n in 0..1000 {
            sender.send(n).await.expect("the job runs");
        }
    });
    assert_eq!(running.take(1000).await, (0..1000).collect::<Vec<_>>());
    other.send(1).await.expect("the job runs");
    drop(other);
    let (rest, ended) = running.finish().await;
    assert_eq!(rest, [1]);
    ended.expect("a clean end");
}

#[tokio::test]
async fn all_that_waits_goes_in_one_chunk() {
    let (sender, source) = channel(8);
    (0..8).for_each(|n| sender.try_send(n).expect("room for 8"));
    assert_eq!(sender.try_send(8), Err(Unsent::Full(8)));
    drop(sender);
    let mut running = testing::run(source);
    assert_eq!(running.chunk().await, (0..8).collect::<Vec<_>>());
    assert!(running.finish().await.0.is_empty());
}

#[tokio::test]
async fn a_stop_drains_what_was_accepted() {
    let (sender, source) = channel(8);
    (0..8).for_each(|n| sender.try_send(n).expect("room for 8"));
    let running = testing::run(source);
    running.stop();
    let (rest, ended) = running.finish().await;
    assert_eq!(rest, (0..8).collect::<Vec<_>>());
    ended.expect("a clean end");
    assert_eq!(sender.send(8).await, Err(Unsent::Closed(8)));
}

#[tokio::test]
async fn a_record_comes_back_when_the_job_is_gone() {
    let (sender, source) = channel(1);
    drop(source);
    assert_eq!(sender.send("a").await, Err(Unsent::Closed("a")));
    let unsent = sender.try_send("b").expect_err("closed");
    assert_eq!(format!("{unsent:?}: {unsent}"), "Closed(..): the job takes no more records");
    assert_eq!(unsent.into_inner(), "b");
}

/// Whoever sends as the source goes hears of it: from the sender or from the receipt.
#[tokio::test]
async fn no_receipt_is_left_waiting_when_the_source_goes() {
    for _ in 0..2000 {
        let (sender, source) = channel(1024);
        let (begun, begins) = std::sync::mpsc::channel();
        let sending = std::thread::spawn({
            let sender = sender.clone();
            move || {
                let sent = || sender.try_send_tracked(0).ok();
                let mut receipts = vec![sent().expect("there is room")];
                begun.send(()).expect("the test waits");
                receipts.extend(std::iter::from_fn(sent));
                receipts
            }
        });
        begins.recv().expect("it has begun");
        drop(source);
        for receipt in sending.join().expect("it does not panic") {
            let told = tokio::time::timeout(Duration::from_secs(10), receipt).await;
            told.expect("the receipt does not hang").expect_err("no job has taken it");
        }
        drop(sender);
    }
}

#[tokio::test]
async fn batches_out() {
    let (mut sink, mut receiver) = channel_sink(2);
    let batch = |n| Batch { time: BatchTime::from_millis(n), records: vec![n] };
    sink.write(batch(1)).await.expect("someone reads");
    sink.write(batch(2)).await.expect("someone reads");
    assert_eq!(receiver.recv().await, Some(batch(1)));
    assert_eq!(receiver.next().await, Some(batch(2)));
    assert_eq!(receiver.try_recv(), None);
    drop(receiver);
    assert_eq!(sink.write(batch(3)).await.expect_err("nobody reads").code(), "connector.closed");
}
