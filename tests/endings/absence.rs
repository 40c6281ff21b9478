//! A job that goes on long after its last batch.

use std::{path::Path, time::Instant};

use streaming_runtime::{
    Checkpoint, ManualClock, StartError,
    cluster::Cluster,
    connect::{Batch, channel, collect, queue},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn kept<
        numbers: Source<(u64, i64)>,
        counts: Sink<i64>,
        sums: Sink<(u64, i64)>,
        changes: Sink<((u64, i64), i64)>,
        tens: Sink<(u64, i64)>,
        seen: Sink<(u64, i64)>,
    >() {
        numbers.count().to(counts);
        let summed = numbers.window(secs(60), secs(7)).reduce_by_key(|a, b| a + b);
        summed.to(sums);
        summed.changes().to(changes);
        numbers.window(secs(10), secs(10)).to(tens);
        let totals =
            numbers.update_state(|_, n: Option<i64>, new| Some(n.unwrap_or(0) + new.iter().sum::<i64>()));
        totals.expire_after(minutes(10)).to(seen);
    }
);

/// What came out.
struct Out {
    counts: Vec<Batch<i64>>,
    sums: Vec<Batch<(u64, i64)>>,
    changes: Vec<Batch<((u64, i64), i64)>>,
    tens: Vec<Batch<(u64, i64)>>,
    seen: Vec<Batch<(u64, i64)>>,
}

fn seconds<T>(batches: &[Batch<T>]) -> Vec<u64> {
    batches.iter().map(|batch| batch.time.as_millis() / 1000).collect()
}

/// Thirteen batches, an absence, and some more; with what the second job delivered.
async fn away(directory: &Path, absence: u64, skip: bool) -> Out {
    let clock = ManualClock::new();
    let mut data: Vec<Vec<(u64, i64)>> = (1..=13).map(|n| vec![(n % 3, n as i64)]).collect();
    let mut all = Out { counts: vec![], sums: vec![], changes: vec![], tens: vec![], seen: vec![] };
    for part in 0..2 {
        let ((counts, a), (sums, b), (changes, c), (tens, d), (seen, e)) =
            (collect(), collect(), collect(), collect(), collect());
        let engine = Engine::new().manual_clock(&clock).workers(2).skip_missed_batches(skip);
        let engine = engine.checkpoint(Checkpoint::new(directory));
        let (sender, numbers) = channel(64);
        let ports = kept::Ports { numbers, counts, sums, changes, tens, seen };
        let mut job = engine.start(ports).expect("it starts");
        for batch in data.drain(..) {
            sender.send_all(batch).await.expect("it runs");
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it runs");
        }
        if part == 1 {
            job.delivered(clock.now()).await.expect("it runs");
            sender.send((1, 1000)).await.expect("it runs");
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it runs");
        }
        job.stop().await.expect("it stops");
        clock.advance(secs(absence));
        all.counts.extend(a.batches());
        all.sums.extend(b.batches());
        all.changes.extend(c.batches());
        all.tens.extend(d.batches());
        all.seen.extend(e.batches());
    }
    all
}

#[tokio::test]
async fn the_batches_of_an_absence_are_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = away(directory.path(), 5000, false).await;
    assert_eq!(seconds(&out.counts), (1..=5014).collect::<Vec<_>>());
    assert_eq!(seconds(&out.tens), (1..=501).map(|n| 10 * n).collect::<Vec<_>>());
    assert_eq!(seconds(&out.sums), (1..=716).map(|n| 7 * n).collect::<Vec<_>>());
    assert_eq!(out.seen.last().expect("there is one").records, [(1, 1000)]);
}

#[tokio::test]
async fn or_they_are_skipped_and_the_state_is_as_if_they_had_been_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = away(directory.path(), 5000, true).await;
    // The next slides behind the last records, the last boundary that had passed, and what came then.
    let behind = [14, 20, 5013, 5014];
    assert_eq!(seconds(&out.counts), (1..=13).chain(behind).collect::<Vec<_>>());
    assert_eq!(seconds(&out.tens), [10, 20]);
    assert_eq!(out.tens[1].records.len(), 3, "what was in the open window is delivered");
    assert_eq!(seconds(&out.sums), [7, 14]);
    let mut last = out.seen.last().expect("there is one").records.clone();
    last.sort();
    assert_eq!(last, [(1, 1000)], "keys that were idle for so long are gone");
    let at_once = out.seen.iter().find(|batch| batch.time.as_millis() == 5_013_000).expect("there is one");
    assert!(at_once.records.is_empty(), "in the first batch behind the absence");
}

/// Over an absence that is skipped, the sum of all changes is still the contents, wherever the job is stopped.
#[tokio::test]
async fn changes_over_a_skipped_absence_are_whole() {
    for absence in [1, 2, 5, 8, 40, 61, 200] {
        for stop_at in 0..16 {
            let (directory, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::new());
            let data: Vec<Vec<(u64, i64)>> = (1..=40).map(|n| vec![(n % 3, n as i64)]).collect();
            let mut changed = std::collections::BTreeMap::<(u64, i64), i64>::new();
            let mut contents = Vec::new();
            for part in 0..4 {
                let ((counts, _), (sums, b), (changes, c), (tens, _), (seen, _)) =
                    (collect(), collect(), collect(), collect(), collect());
                let engine = Engine::new().manual_clock(&clock).skip_missed_batches(true);
                let engine = engine.checkpoint(Checkpoint::new(directory.path()).segment_bytes(500));
                let ports = kept::Ports { numbers: queue(data.clone()), counts, sums, changes, tens, seen };
                let mut job = engine.start(ports).expect("it starts");
                clock.advance(secs(1 + stop_at % 5));
                job.delivered(clock.now()).await.expect("it runs");
                job.stop().await.expect("it stops");
                clock.advance(secs(absence * (1 + part % 2)));
                for batch in c.batches() {
                    batch
                        .records
                        .into_iter()
                        .for_each(|(record, n)| *changed.entry(record).or_default() += n);
                }
                contents = b.batches().pop().map_or(contents, |batch| batch.records);
            }
            contents.sort();
            changed.retain(|_, n| *n != 0);
            assert!(changed.values().all(|n| *n == 1), "{absence} {stop_at}: {changed:?}");
            let changed: Vec<_> = changed.into_keys().collect();
            assert_eq!(changed, contents, "{absence} {stop_at}");
        }
    }
}

#[tokio::test]
async fn a_cluster_skips_nothing() {
    let cluster = Cluster::new(["127.0.0.1:1", "127.0.0.1:2"], 0);
    let engine = Engine::new().cluster(cluster).skip_missed_batches(true);
    let ((counts, _), (sums, _), (changes, _), (tens, _), (seen, _)) =
        (collect(), collect(), collect(), collect(), collect());
    let ports = kept::Ports { numbers: queue(vec![]), counts, sums, changes, tens, seen };
    assert!(matches!(engine.start(ports), Err(StartError::Config(what)) if what.contains("skip")));
}

stream!(
    #[batch(secs(1))]
    fn small<numbers: Source<(u64, i64)>, sums: Sink<(u64, i64)>>() {
        numbers.window(secs(60), secs(60)).reduce_by_key(|a, b| a + b).to(sums);
    }
);

/// `cargo test -p tests --release --test endings -- --ignored --nocapture a_day`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn a_day_away() {
    for (what, checkpoint) in [("no checkpoint", false), ("checkpoint", true)] {
        let (directory, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::new());
        let engine = Engine::new().manual_clock(&clock);
        let engine = if checkpoint { engine.checkpoint(directory.path()) } else { engine };
        let ((sums, _), (sender, numbers)) = (collect(), channel(8));
        let mut job = engine.start(small::Ports { numbers, sums }).expect("it starts");
        sender.send((1, 1)).await.expect("it runs");
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
        let began = Instant::now();
        clock.advance(hours(24));
        job.delivered(clock.now()).await.expect("it runs");
        let each = began.elapsed() / 86_400;
        println!(
            "{what}: {:?}, {each:?} a batch, {} batches/s",
            began.elapsed(),
            1_000_000_000 / each.as_nanos()
        );
        job.stop().await.expect("it stops");
    }
}
