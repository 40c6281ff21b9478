//! A job inside a service: receipts, a worker on the runtime's own thread, batches closed early but not too often.

use std::time::Duration;

use futures::FutureExt;
use streaming_runtime::{
    BatchTime, JobError, ManualClock, StartError,
    connect::{Closed, Collected, ConnectorError, Receipt, SourceContext, channel, collect},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn sums<paid: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        paid.reduce_by_key(|a, b| a + b).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn positive<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.inspect(|n| assert!(*n >= 0, "{n} is negative")).to(out);
    }
);

/// Whether the batches until `time` hold the records.
fn total(out: &Collected<(u64, i64)>, time: BatchTime) -> i64 {
    let batches = out.batches();
    let until = batches.iter().filter(|batch| batch.time <= time);
    until.flat_map(|batch| &batch.records).map(|(_, value)| value).sum()
}

async fn reads_its_writes(engine: Engine) {
    let (sender, paid) = channel(16);
    let (out, results) = collect();
    let mut job = engine.close_early(true).start(sums::Ports { paid, out }).expect("it starts");
    let mut sent = 0;
    for n in 1..=50 {
        sent += n;
        let time = sender.send_tracked((n as u64, n)).await.expect("room").await.expect("delivered");
        assert_eq!(total(&results, time), sent);
    }
    for round in 0..50 {
        sender.send_all((0..round).map(|n| (n as u64, 1)).collect()).await.expect("room");
        sender.send((7, 1)).await.expect("room");
        sent += round + 1;
        let time = sender.flush().await.expect("delivered");
        assert_eq!(total(&results, time), sent);
    }
    job.stop().await.expect("it ends well");
    assert_eq!(sender.flush().await, Err(Closed));
}

#[test]
fn a_receipt_says_that_the_outputs_reflect_what_was_sent() {
    for workers in [1, 2] {
        let one = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        one.block_on(reads_its_writes(Engine::new().workers(workers)));
        let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        several.expect("a runtime").block_on(reads_its_writes(Engine::new().workers(workers)));
    }
}

#[tokio::test]
async fn a_receipt_waits_for_its_batch() {
    let clock = ManualClock::new();
    let (sender, paid) = channel(16);
    let (out, results) = collect();
    let mut job = Engine::new().manual_clock(&clock).start(sums::Ports { paid, out }).expect("it starts");
    let mut receipt = sender.try_send_tracked((1, 5)).expect("room");
    assert!((&mut receipt).now_or_never().is_none(), "time stands still");
    clock.advance(secs(1));
    let time = receipt.await.expect("delivered");
    assert_eq!(
        results.batches()[0].records.len() + results.batches().get(1).map_or(0, |b| b.records.len()),
        1
    );
    assert_eq!(total(&results, time), 5);
    job.stop().await.expect("it ends well");
}

#[tokio::test]
async fn what_is_lost_has_no_receipt() {
    let (sender, numbers) = channel(16);
    let (out, _results) = collect();
    let job = Engine::new().start(positive::Ports { numbers, out }).expect("it starts");
    let receipt: Receipt = sender.send_tracked(1).await.expect("room");
    job.abort().await;
    assert_eq!(receipt.await, Err(Closed));

    let (sender, numbers) = channel(16);
    let (out, _results) = collect();
    let mut job = Engine::new().close_early(true).start(positive::Ports { numbers, out }).expect("it starts");
    let receipt = sender.send_tracked(-1).await.expect("room");
    assert_eq!(receipt.await, Err(Closed));
    assert_eq!(job.join().await.expect_err("a closure panicked").code(), "job.operator_panicked");
}

#[tokio::test]
async fn a_local_worker_does_the_work_where_it_is_polled() {
    let (sender, paid) = channel(16);
    let (out, results) = collect();
    let engine = Engine::new().close_early(true);
    let (mut job, worker) = engine.start_local(sums::Ports { paid, out }).expect("it starts");
    let service = async {
        let mut sent = 0;
        for n in 1..=100 {
            sent += n;
            let time = sender.send_tracked((n as u64 % 7, n)).await.expect("room").await.expect("delivered");
            assert_eq!(total(&results, time), sent);
        }
        job.stop().await.expect("it ends well");
    };
    tokio::join!(service, worker);
}

/// Sends without end.
struct Flood;

impl Source<i64> for Flood {
    async fn run(self, mut out: SourceContext<i64>) -> Result<(), ConnectorError> {
        loop {
            out.send_all(vec![1; 1000]).await?;
        }
    }
}

#[tokio::test]
async fn a_local_worker_lets_others_have_their_turn() {
    let local = tokio::task::LocalSet::new();
    let (out, results) = collect();
    let engine = Engine::new().close_early(true);
    local
        .run_until(async {
            let ports = positive::Ports { numbers: Flood, out: out.limit(usize::MAX) };
            let (mut job, worker) = engine.start_local(ports).expect("it starts");
            let worker = tokio::task::spawn_local(worker);
            assert!(results.wait_until(|batches| batches.len() > 3).await);
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            job.stop().await.expect("it ends well");
            worker.await.expect("no panic");
        })
        .await;
}

#[tokio::test]
async fn a_local_worker_that_panics_or_is_dropped_ends_its_job_only() {
    let engine = Engine::new().close_early(true);
    let (sender, numbers) = channel(16);
    let (mut job, worker) =
        engine.start_local(positive::Ports { numbers, out: collect().0 }).expect("it starts");
    sender.send(-1).await.expect("room");
    let (ended, ()) = tokio::join!(job.join(), worker);
    let ended = ended.expect_err("a closure panicked");
    assert_eq!(ended.to_string(), "operator `positive/out/inspect` panicked: -1 is negative");

    let (_sender, numbers) = channel::<i64>(16);
    let (mut job, worker) =
        engine.start_local(positive::Ports { numbers, out: collect().0 }).expect("it starts");
    drop(worker);
    assert!(matches!(job.join().await, Err(JobError::WorkerDropped)));

    let (_sender, numbers) = channel::<i64>(16);
    let started = engine.workers(2).start_local(positive::Ports { numbers, out: collect().0 });
    assert!(matches!(started, Err(StartError::Config(_))));
}

#[tokio::test]
async fn batches_closed_early_keep_their_distance() {
    let clock = ManualClock::new();
    let (sender, paid) = channel(16);
    let (out, results) = collect();
    let engine = Engine::new().manual_clock(&clock).close_early(true).min_batch(Duration::from_millis(20));
    let mut job = engine.start(sums::Ports { paid, out }).expect("it starts");
    let mut last = BatchTime::from_millis(0);
    for n in 1..=3 {
        let mut receipt = sender.send_tracked((n, 1)).await.expect("room");
        clock.advance(Duration::from_millis(19));
        tokio::task::yield_now().await;
        assert!((&mut receipt).now_or_never().is_none(), "it is too soon");
        clock.advance(Duration::from_millis(1));
        let time = receipt.await.expect("delivered");
        assert_eq!(time, last + Duration::from_millis(20));
        last = time;
    }
    assert_eq!(results.len(), 3);
    job.stop().await.expect("it ends well");
}
