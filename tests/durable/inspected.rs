//! What a look at a checkpoint says, and a place that is about to be free.

use streaming_runtime::{
    Checkpoint, ManualClock,
    checkpoint::{LocalDirectory, inspect},
    connect::{collect, queue},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn totals<pairs: Source<(u8, i64)>, out: Sink<(u8, i64)>>() {
        let totals = pairs.update_state(|_, total: Option<i64>, new: &[i64]| {
            let total = total.unwrap_or(0) + new.iter().sum::<i64>();
            (total < 100).then_some(total)
        });
        totals.allow_unbounded("few keys").to(out);
    }
);

/// A key that was written in each of many batches is one key, and one that was removed is none.
#[tokio::test]
async fn keys_are_counted_once() {
    let (directory, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::new());
    let pairs = queue((0..20).map(|n| vec![(1, 1), (2, 1), (3, 100 * (n / 19))]).collect());
    let out = collect().0;
    let engine = Engine::new().manual_clock(&clock).checkpoint(Checkpoint::new(directory.path()));
    let mut job = engine.start(totals::Ports { pairs, out }).expect("it starts");
    clock.advance(secs(20));
    job.join().await.expect("it ends");
    let storage = LocalDirectory::new(directory.path()).expect("it is there");
    let inspection = inspect(&storage).expect("it can be read");
    assert!(inspection.is_whole(), "{:?}", inspection.problems);
    let kept: Vec<_> = inspection.operators.iter().map(|operator| (&*operator.id, operator.keys)).collect();
    assert_eq!(kept, [("totals/totals/update_state", 2)]);
}

/// Whoever has heard of a job's end by `abort` may start it again on the same place, however busy the disk is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aborted_job_gives_its_place_to_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    for _ in 0..30 {
        let clock = ManualClock::new();
        let pairs = queue((0..500).map(|n| vec![(1, n % 2), (2, 1)]).collect());
        let checkpoint =
            Checkpoint::new(directory.path()).forget("pairs").forget("totals/totals/update_state");
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let job = engine.start(totals::Ports { pairs, out: collect().0 }).expect("the place is free");
        clock.advance(secs(400));
        let _ = job.abort().await;
    }
}
