//! Nothing is left in windows when all sources have ended, or a job is stopped that keeps nothing.

use std::time::Duration;

use streaming_runtime::{
    ManualClock,
    connect::{channel, collect, queue},
    prelude::*,
};

use crate::work::{Outputs, check, start};

stream!(
    #[batch(secs(1))]
    fn tens<numbers: Source<u64>, out: Sink<u64>, all: Sink<u64>>() {
        numbers.window(secs(10), secs(10)).to(out);
        numbers.to(all);
    }
);

stream!(
    #[batch(millis(100))]
    fn largest<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.window(secs(1), millis(100)).reduce(u64::max).to(out);
    }
);

#[tokio::test]
async fn the_last_partial_window_is_delivered_at_its_slide() {
    for workers in [1, 2, 3] {
        let batches: Vec<Vec<u64>> =
            (0..13).map(|batch| (0..100).map(|n| 100 * batch + n).collect()).collect();
        let (clock, (out, windows), (all, copied)) = (ManualClock::new(), collect(), collect());
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(tens::Ports { numbers: queue(batches), out, all }).expect("it starts");
        clock.advance(secs(100));
        job.join().await.expect("it ends well");
        let sizes: Vec<_> =
            windows.batches().iter().map(|batch| (batch.time.as_millis(), batch.records.len())).collect();
        assert_eq!(sizes, [(10_000, 1000), (20_000, 300)]);
        assert_eq!(copied.batches().len(), 13, "what is new in each batch has no batch more");
        assert_eq!(job.metrics().batches_delivered, 14);
        assert_eq!(job.metrics().sink("all").expect("it is a port").batches, 13);
        assert_eq!(job.metrics().sink("out").expect("it is a port").batches, 2);
    }
}

#[tokio::test]
async fn a_stop_delivers_it_too_where_nothing_is_kept() {
    for workers in [1, 2] {
        let (clock, (out, windows), (all, _)) = (ManualClock::new(), collect(), collect());
        let (sender, numbers) = channel(8);
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(tens::Ports { numbers, out, all }).expect("it starts");
        for batch in 0..13 {
            sender.send_all((0..100).map(|n| 100 * batch + n).collect()).await.expect("it runs");
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it runs");
        }
        job.stop().await.expect("it stops");
        let sizes: Vec<_> =
            windows.batches().iter().map(|batch| (batch.time.as_millis(), batch.records.len())).collect();
        assert_eq!(sizes, [(10_000, 1000), (20_000, 300)]);
    }
}

/// As it was found: the last window was complete 19 times of 30, after a stop 3 times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_boundary_behind_the_last_early_batch_is_closed() {
    for round in 0..60 {
        let ((out, windows), (sender, numbers)) = (collect(), channel(8));
        let engine = Engine::new().close_early(true).workers(1 + round % 2);
        let mut job = engine.start(largest::Ports { numbers, out }).expect("it starts");
        for n in 1..=20 {
            sender.send(n).await.expect("it runs");
            if n % 7 == 0 {
                sender.flush().await.expect("it runs");
            }
        }
        if round % 3 == 0 {
            sender.flush().await.expect("it runs");
        }
        if round % 2 == 0 {
            drop(sender);
            job.join().await.expect("it ends well");
        } else {
            job.stop().await.expect("it stops");
        }
        assert_eq!(windows.records().last(), Some(&20), "round {round}");
    }
}

#[tokio::test]
async fn nothing_is_delivered_at_an_abort() {
    let (clock, (out, windows), (all, copied)) = (ManualClock::new(), collect(), collect());
    let (sender, numbers) = channel(8);
    let mut job =
        Engine::new().manual_clock(&clock).start(tens::Ports { numbers, out, all }).expect("it starts");
    sender.send(1).await.expect("it runs");
    clock.advance(secs(1));
    job.delivered(clock.now()).await.expect("it runs");
    job.abort().await;
    assert_eq!((windows.batches().len(), copied.records()), (0, vec![1]));
}

#[tokio::test]
async fn a_job_that_had_no_batch_has_none_at_its_end() {
    let (clock, (out, windows), (all, copied)) = (ManualClock::new(), collect(), collect());
    clock.advance(Duration::from_millis(1500));
    let engine = Engine::new().manual_clock(&clock);
    let mut job = engine.start(tens::Ports { numbers: queue(vec![]), out, all }).expect("it starts");
    clock.advance(secs(100));
    job.join().await.expect("it ends well");
    assert_eq!((windows.batches().len(), copied.batches().len()), (0, 0));
}

#[tokio::test]
async fn a_window_with_nothing_in_it_is_not_delivered_at_the_end() {
    let cuts = ((secs(2), secs(5)), (secs(3), secs(3)), (secs(5), secs(5)));
    let clock = ManualClock::new();
    let batches = vec![vec![1, 2], vec![], vec![], vec![4], vec![], vec![6], vec![]];
    let mut running = start(&Engine::new().manual_clock(&clock), queue(batches.clone()), cuts);
    clock.advance(secs(7));
    running.job().join().await.expect("it ends well");
    let mut outputs = Outputs::default();
    running.add_to(&mut outputs);
    check(&outputs, &crate::work::History::of(&batches), cuts, false, "gaps");
    assert_eq!(outputs.first.len(), 1, "the window (8, 10] is empty");
}
