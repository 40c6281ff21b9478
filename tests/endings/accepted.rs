//! What was sent before a test moved its clock is in the batch that closes then.

use streaming_runtime::{
    ManualClock,
    connect::{channel, collect, durable, restarted, view},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn latest<numbers: Source<(u64, u64)>, out: Sink<(u64, u64)>, copied: Sink<(u64, u64)>>() {
        numbers.to(copied);
        numbers
            .update_state(|_, last: Option<u64>, new: &[u64]| new.last().copied().or(last))
            .allow_unbounded("a test")
            .to(out);
    }
);

async fn rounds(n: u64, workers: usize, early: bool) {
    let (clock, (sender, numbers)) = (ManualClock::new(), channel(8));
    let ((out, table), (copied, copies)) = (view(), collect());
    let engine = Engine::new().workers(workers).manual_clock(&clock).close_early(early);
    let mut job = engine.start(latest::Ports { numbers, out, copied }).expect("it starts");
    for round in 0..n {
        match round % 4 {
            0 => sender.send((round % 7, round)).await.expect("it runs"),
            1 => sender.send_all(vec![(9, round), (round % 7, round)]).await.expect("it runs"),
            2 => sender.try_send((round % 7, round)).expect("there is room"),
            _ => drop(sender.send_tracked((round % 7, round)).await.expect("it runs")),
        }
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
        assert_eq!(table.get(&(round % 7)), Some(round), "round {round}");
    }
    job.stop().await.expect("it stops");
    assert_eq!(copies.records().len() as u64, n + n.div_ceil(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_is_there_when_the_batch_is_delivered() {
    for workers in 1..=3 {
        rounds(2000, workers, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_where_batches_close_early() {
    for workers in 1..=2 {
        rounds(500, workers, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_right_after_the_start_and_through_what_wraps_a_channel() {
    for round in 0..300_u64 {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = ManualClock::new();
        let (sender, source) = channel(8);
        let (out, table) = view();
        let (copied, _) = collect();
        let engine = Engine::new().manual_clock(&clock).workers(1 + round as usize % 2);
        let mut source = Some(source);
        let make = move || source.take();
        let numbers = restarted(streaming_runtime::connect::Retry::default(), make);
        let mut job = match round % 2 {
            0 => engine.start(latest::Ports { numbers, out, copied }),
            _ => engine.checkpoint(directory.path()).start(latest::Ports {
                numbers: durable(numbers),
                out,
                copied,
            }),
        }
        .expect("it starts");
        sender.send((1, round)).await.expect("it runs");
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
        assert_eq!(table.get(&1), Some(round), "round {round}");
        drop(sender);
        job.join().await.expect("it ends well");
    }
}

/// A limit holds records back until time goes on: nobody waits for them meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_limit_holds_back_is_not_waited_for() {
    let (clock, (sender, numbers)) = (ManualClock::new(), channel(64));
    let ((out, _), (copied, copies)) = (view(), collect());
    let engine = Engine::new().manual_clock(&clock).max_rate(1.0);
    let mut job = engine.start(latest::Ports { numbers, out, copied }).expect("it starts");
    for n in 0..20 {
        sender.send((n, n)).await.expect("there is room");
    }
    for _ in 0..5 {
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
    }
    assert!(copies.records().len() < 20, "one a second");
    job.stop().await.expect("it stops");
    assert_eq!(copies.records().len(), 20, "what was accepted is delivered");
}
