//! What stays, and what is not done a second time, when a job goes on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use streaming_runtime::{
    Checkpoint, ManualClock, Source, StartError,
    connect::{channel, collect, directory, durable, file, from_stream, queue, tcp, text_files},
    prelude::*,
};

use crate::model::Pair;

stream!(
    /// Running totals.
    #[batch(secs(1))]
    fn totals<pairs: Source<Pair>, out: Sink<Pair>>() {
        let all =
            pairs.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
        all.allow_unbounded("few keys").to(out);
    }
);

stream!(
    /// Windows behind a function that counts its calls.
    #[batch(secs(1))]
    fn counted<pairs: Source<Pair>, out: Sink<Pair>>(calls: Arc<AtomicUsize>) {
        let seen = pairs.map(move |pair| {
            calls.fetch_add(1, Ordering::Relaxed);
            pair
        });
        seen.window(secs(10), secs(1)).reduce_by_key(|a, b| a + b).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn copied<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

#[tokio::test]
async fn what_a_lost_source_has_in_the_state_stays() {
    let (place, clock) = (tempfile::tempdir().expect("temp"), ManualClock::new());
    let start = || {
        let ((sender, pairs), (out, all)) = (channel(16), collect());
        let engine = Engine::new().manual_clock(&clock).checkpoint(place.path());
        (engine.start(totals::Ports { pairs, out }).expect("it starts"), sender, all)
    };
    let (mut job, sender, all) = start();
    sender.send_all(vec![(1, 1), (1, 2)]).await.expect("it runs");
    let flushed = tokio::spawn({
        let sender = sender.clone();
        async move { sender.flush().await }
    });
    let mut boundary = clock.now();
    while !flushed.is_finished() {
        clock.advance(secs(1));
        boundary = clock.now();
        job.delivered(boundary).await.expect("nothing ends it");
        tokio::task::yield_now().await;
    }
    assert_eq!(all.batches().last().expect("there is one").records, [(1, 3)]);
    // On its way in the open batch when the job crashes.
    sender.send((1, 100)).await.expect("it runs");
    job.abort().await;

    let (mut job, sender, all) = start();
    sender.send((1, 4)).await.expect("it runs");
    drop(sender);
    job.join().await.expect("its source has ended");
    let last = all.batches().pop().expect("the last batch has the record");
    assert_eq!(last.records, [(1, 7)], "after {boundary}");
}

#[tokio::test]
async fn no_batch_of_before_is_computed_again() {
    let (place, clock, calls) = (tempfile::tempdir().expect("temp"), ManualClock::new(), Arc::default());
    let batches: Vec<Vec<Pair>> = (1..=6).map(|n| vec![(1, n), (2, n)]).collect();
    for upto in [3, 6] {
        let (out, all) = collect();
        let engine = Engine::new().workers(2).manual_clock(&clock).checkpoint(place.path());
        let ports = counted::Ports { pairs: queue(batches[..upto].to_vec()), out, calls: Arc::clone(&calls) };
        let mut job = engine.start(ports).expect("it starts");
        clock.advance(secs(3));
        job.delivered(clock.now()).await.expect("nothing ends it");
        let sum: i64 = (1..=upto as i64).sum();
        let mut last = all.batches().pop().expect("there are some").records;
        last.sort_unstable();
        assert_eq!(last, [(1, sum), (2, sum)]);
        job.stop().await.expect("it stops");
        assert_eq!(calls.load(Ordering::Relaxed), 2 * upto, "each record was seen once");
    }
}

/// Whether a job with this source may be exactly once.
fn can(lines: impl Source<String>) -> bool {
    let place = tempfile::tempdir().expect("temp");
    let engine = Engine::new().checkpoint(Checkpoint::new(place.path().join("state")).exactly_once());
    let out = text_files(place.path().join("out/lines"));
    match engine.start(copied::Ports { lines, out }) {
        Ok(job) => {
            drop(job);
            true
        }
        Err(StartError::Delivery { port, .. }) => {
            assert_eq!(port, "lines");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn sources_are_of_the_kinds_that_the_table_says() {
    let place = tempfile::tempdir().expect("temp");
    let path = place.path().join("lines");
    std::fs::write(&path, "one\n").expect("it is ours");
    let listen = || tcp::listen("127.0.0.1:0").expect("a port is free");
    let nobody = "127.0.0.1:9";
    assert!(can(file::lines(&path)));
    assert!(can(directory::lines(place.path())));
    assert!(can(queue(vec![vec!["one".to_owned()]])));
    assert!(!can(channel(1).1));
    assert!(!can(queue::shared(1).1));
    assert!(!can(tcp::lines(nobody)));
    assert!(!can(listen()));
    assert!(!can(from_stream(futures::stream::pending())));
    assert!(can(durable(channel(1).1)));
    assert!(can(durable(queue::shared(1).1)));
    assert!(can(durable(tcp::lines(nobody))));
    assert!(can(durable(listen())));
    assert!(can(durable(from_stream(futures::stream::pending()))));
}
