//! What a sink waits for, case by case.

use std::sync::{Arc, Mutex, mpsc};

use streaming_runtime::{
    BatchTime, Job, ManualClock,
    connect::{ConnectorError, SourceContext, channel, collect, queue},
    metrics::{Frontier, Wait},
    prelude::*,
};
use tokio::sync::{Notify, oneshot};

use super::{gated, seen};

stream!(
    #[batch(secs(1))]
    fn copy<clicks: Source<u64>, out: Sink<u64>>() {
        clicks.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn both<clicks: Source<u64>, views: Source<u64>, out: Sink<u64>>() {
        clicks.union(views).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn twice<clicks: Source<u64>, slow: Sink<u64>, fast: Sink<u64>>() {
        clicks.to(slow);
        clicks.to(fast);
    }
);

/// Holds up whoever comes, until it is let go.
type Barrier = Arc<Mutex<(mpsc::Sender<()>, mpsc::Receiver<()>)>>;

stream!(
    #[batch(secs(1))]
    fn held<clicks: Source<u64>, out: Sink<(u64, i64)>>(barrier: Barrier) {
        let pairs = clicks.map(|n| (n, 1));
        let sums = pairs.reduce_by_key(move |a, b| {
            let barrier = barrier.lock().expect("no panic");
            barrier.0.send(()).expect("the test is there");
            barrier.1.recv().expect("the test is there");
            a + b
        });
        sums.to(out);
    }
);

/// What the sinks wait for, in words.
fn said(job: &Job) -> Vec<String> {
    job.explain().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn for_the_time_to_come() {
    for workers in [1, 2] {
        let (clock, (_clicks, source)) = (ManualClock::new(), channel(1));
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(copy::Ports { clicks: source, out: collect().0 }).expect("it starts");
        assert_eq!(
            said(&job),
            [
                "sink `out`: nothing delivered yet; the open batch closes at 1970-01-01 00:00:01.000 UTC, in 1s"
            ]
        );
        clock.advance(secs(5));
        job.delivered(clock.now()).await.expect("it runs");
        clock.advance(millis(600));
        assert_eq!(
            said(&job),
            [
                "sink `out`: delivered up to 1970-01-01 00:00:05.000 UTC; the open batch closes at 1970-01-01 00:00:06.000 UTC, in 400ms"
            ]
        );
        job.stop().await.expect("it stops well");
        assert_eq!(
            said(&job),
            ["sink `out`: delivered up to 1970-01-01 00:00:05.000 UTC; the job has ended"]
        );
    }
}

#[tokio::test]
async fn for_a_source_where_batches_close_early() {
    let (clock, (clicks, source), (views, other)) = (ManualClock::new(), channel(1), channel(1));
    clock.advance(secs(3600));
    let engine = Engine::new().manual_clock(&clock).close_early(true);
    let ports = both::Ports { clicks: source, views: other, out: collect().0 };
    let mut job = engine.start(ports).expect("it starts");
    clicks.send_tracked(1).await.expect("it runs").await.expect("it is delivered");
    for _ in 0..41 {
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
    }
    views.send_tracked(2).await.expect("it runs").await.expect("it is delivered");
    clock.advance(millis(250));
    let idle = |port, idle| Wait::Source { port, idle };
    let [sink] = &job.explain()[..] else { panic!("there is one sink") };
    assert_eq!(sink.waits[..2], [idle("clicks", millis(41_250)), idle("views", millis(250))]);
    assert!(sink.to_string().contains("waits for source `clicks`, idle for 41.2s; waits for source `views`"));
    assert!(matches!(sink.waits[2], Wait::Boundary { within, .. } if within == millis(750)));
    // A source that has ended is waited for no more.
    drop(clicks);
    seen(&job.monitor(), |metrics| metrics.sources[0].has_ended).await;
    let [sink] = &job.explain()[..] else { panic!("there is one sink") };
    assert_eq!(sink.waits[0], idle("views", millis(250)));
    job.stop().await.expect("it stops well");
}

/// Is asked for batches, and answers when it is let.
struct Silent {
    asked: oneshot::Sender<()>,
    answer: Arc<Notify>,
}

impl Source<u64> for Silent {
    const PACED: bool = true;
    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        out.batch_due().await;
        let _ = self.asked.send(());
        self.answer.notified().await;
        Ok(())
    }
}

#[tokio::test]
async fn for_a_paced_source_to_answer() {
    let (clock, answer, (send, asked)) = (ManualClock::new(), Arc::new(Notify::new()), oneshot::channel());
    let engine = Engine::new().manual_clock(&clock);
    let clicks = Silent { asked: send, answer: answer.clone() };
    let mut job = engine.start(copy::Ports { clicks, out: collect().0 }).expect("it starts");
    clock.advance(secs(1));
    asked.await.expect("it is asked");
    clock.advance(secs(12));
    assert_eq!(
        said(&job),
        [
            "sink `out`: nothing delivered yet; waits for source `clicks`, which was asked for batch 1970-01-01 00:00:01.000 UTC 12s ago and has not answered"
        ]
    );
    answer.notify_one();
    job.join().await.expect("it ends well");
}

#[tokio::test]
async fn for_its_own_write_and_for_room() {
    for workers in [1, 2] {
        let (clock, (slow, mut gate), (clicks, source)) = (ManualClock::new(), gated(), channel(1));
        let engine = Engine::new().workers(workers).manual_clock(&clock).in_flight(2);
        let ports = twice::Ports { clicks: source, slow, fast: collect().0 };
        let mut job = engine.start(ports).expect("it starts");
        clock.advance(secs(1));
        gate.is_writing().await;
        clock.advance(secs(12));
        // The other sink takes both batches that may be in flight.
        seen(&job.monitor(), |metrics| metrics.sinks[1].batches == 2).await;
        let room = "2 batches in flight of at most 2, the oldest not taken by sink `slow`: none closes and sources wait";
        assert_eq!(
            said(&job),
            [
                format!(
                    "sink `slow`: nothing delivered yet; it has been writing batch 1970-01-01 00:00:01.000 UTC for 12s; {room}"
                ),
                format!("sink `fast`: delivered up to 1970-01-01 00:00:02.000 UTC; {room}"),
            ]
        );
        // The sources end; the sink that has all of it waits for nothing.
        drop(clicks);
        seen(&job.monitor(), |metrics| metrics.sources[0].has_ended).await;
        assert_eq!(
            said(&job)[1],
            "sink `fast`: delivered up to 1970-01-01 00:00:02.000 UTC; all sources have ended; what is left is on its way"
        );
        gate.open();
        job.stop().await.expect("it stops well");
    }
}

#[tokio::test]
async fn for_an_operator_that_has_the_batch() {
    for workers in [1, 2] {
        let ((enter, entered), (leave, left)) = (mpsc::channel(), mpsc::channel());
        let barrier = Arc::new(Mutex::new((enter, left)));
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        // Two workers get one record each: they meet at the owner of the key.
        let ports = held::Ports { clicks: queue(vec![vec![7, 7]]), out: collect().0, barrier };
        let mut job = engine.start(ports).expect("it starts");
        clock.advance(secs(1));
        tokio::task::spawn_blocking(move || entered.recv()).await.expect("it ran").expect("it is there");
        clock.advance(secs(3));
        // With one worker it may be there before its batch is closed.
        seen(&job.monitor(), |metrics| metrics.batches_closed > 0).await;
        let [sink] = &job.explain()[..] else { panic!("there is one sink") };
        let is_held = |wait: &&Wait| matches!(wait, Wait::Operator { operator: "held/sums/reduce_by_key", busy: Some(busy), .. } if *busy == secs(3));
        let waits: Vec<_> = sink.waits.iter().filter(is_held).collect();
        assert_eq!(waits.len(), 1, "{sink}");
        assert!(waits[0].to_string().contains(
            "batch 1970-01-01 00:00:01.000 UTC is in operator `held/sums/reduce_by_key` of worker"
        ));
        assert_eq!(frontier(&job), Some(Frontier::Batch(BatchTime::from_millis(1000))));
        leave.send(()).expect("it waits");
        job.join().await.expect("it ends well");
        assert_eq!(frontier(&job), Some(Frontier::Open));
    }
}

fn frontier(job: &Job) -> Option<Frontier> {
    job.metrics().operator("held/out/to").expect("an operator").frontier
}

#[tokio::test]
async fn for_a_worker_where_operators_are_not_metered() {
    let ((enter, entered), (leave, left)) = (mpsc::channel(), mpsc::channel());
    let barrier = Arc::new(Mutex::new((enter, left)));
    let (clock, engine) = (ManualClock::new(), Engine::new().metrics(false));
    let ports = held::Ports { clicks: queue(vec![vec![7, 7]]), out: collect().0, barrier };
    let mut job = engine.manual_clock(&clock).start(ports).expect("it starts");
    clock.advance(secs(1));
    tokio::task::spawn_blocking(move || entered.recv()).await.expect("it ran").expect("it is there");
    seen(&job.monitor(), |metrics| metrics.batches_closed > 0).await;
    let [sink] = &job.explain()[..] else { panic!("there is one sink") };
    // It is held up before it hears that the batch is closed, or after.
    assert!(
        matches!(sink.waits[..], [Wait::Worker { worker: 0, .. } | Wait::Dataflow { worker: 0, .. }]),
        "{sink}"
    );
    leave.send(()).expect("it waits");
    job.join().await.expect("it ends well");
}
