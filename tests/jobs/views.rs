//! Views against plain maps, and what their readers see while jobs write them.

use std::{
    collections::BTreeMap,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    BatchTime, Job, JobError, ManualClock, StartError,
    connect::{
        View, collect,
        queue::{self, queue},
        view,
        view::{Changes, Snapshot},
        view_of_changes,
    },
    prelude::*,
};
use support::block_on;

stream!(
    /// Counts of a window: all of them, and what changed.
    #[batch(secs(1))]
    fn counting<keys: Source<u8>, all: Sink<(u8, i64)>, changes: Sink<((u8, i64), i64)>>(
        size: Duration,
        slide: Duration,
    ) {
        let counts = keys.window(size, slide).count_by_value();
        counts.to(all);
        counts.changes().to(changes);
    }
);

stream!(
    /// What is on each account after all that was moved.
    #[batch(secs(1))]
    fn accounts<moved: Source<(u8, i64)>, balances: Sink<((u8, i64), i64)>, again: Sink<(u8, i64)>>() {
        let ever = moved.history().allow_unbounded("a test");
        let sums = ever.reduce_by_key(|a, b| a + b);
        sums.changes().to(balances);
        sums.to(again);
    }
);

stream!(
    /// Pairs as they come.
    #[batch(secs(1))]
    fn copy<pairs: Source<(u8, i64)>, out: Sink<(u8, i64)>, changes: Sink<((u8, i64), i64)>>() {
        pairs.to(out);
        pairs.window(secs(1), secs(1)).changes().to(changes);
    }
);

fn sorted<K: Clone + Ord + Eq + Hash, V: Clone>(snapshot: &Snapshot<K, V>) -> BTreeMap<K, V> {
    snapshot.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What a window of `size` batches holds after the batch `n`, counted from 1.
fn counted(batches: &[Vec<u8>], n: usize, size: usize) -> BTreeMap<u8, i64> {
    let mut counts = BTreeMap::new();
    for key in batches[n.saturating_sub(size)..n].iter().flatten() {
        *counts.entry(*key).or_default() += 1;
    }
    counts
}

type Subscription = (Snapshot<u8, i64>, Changes<u8, i64>);

/// Follows a subscription to its end; what it has must be what was seen at each time.
async fn follow(
    (mut mine, mut changes): Subscription,
    seen: &BTreeMap<BatchTime, BTreeMap<u8, i64>>,
) -> BTreeMap<u8, i64> {
    while let Some(change) = changes.recv().await {
        let change = change.expect("the backlog is long enough");
        assert!(!change.keys.is_empty() && mine.time() < Some(change.time));
        mine.apply(change.time, &change.keys);
        assert_eq!(sorted(&mine), seen[&change.time]);
    }
    sorted(&mine)
}

/// Lets a job count the batches one by one, and compares both views after each.
async fn both_views_equal_a_plain_map(
    batches: &[Vec<u8>],
    size: usize,
    slide: usize,
    subscribed: usize,
    workers: usize,
) {
    // Up to a slide: what windows deliver at the end has tests of its own.
    let batches = &batches[..batches.len() / slide * slide];
    let subscribed = subscribed.min(batches.len());
    let ((all, whole), (changes, of_changes)) = (view(), view_of_changes());
    let (pusher, keys) = queue::shared(1);
    let clock = ManualClock::new();
    let (size_s, slide_s) = (secs(size as u64), secs(slide as u64));
    let ports = counting::Ports { keys, all, changes, size: size_s, slide: slide_s };
    let mut job = Engine::new().workers(workers).manual_clock(&clock).start(ports).expect("it starts");
    let mut seen = BTreeMap::new();
    let mut subscriptions = Vec::new();
    let (mut expected, mut time) = (BTreeMap::new(), None);
    for n in 0..=batches.len() {
        if n > 0 {
            pusher.push(batches[n - 1].clone()).await.expect("it runs");
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it runs");
            if n % slide == 0 {
                (expected, time) = (counted(batches, n, size), Some(clock.now()));
                seen.insert(clock.now(), expected.clone());
            }
        }
        for view in [&whole, &of_changes] {
            let now = view.snapshot();
            assert_eq!((now.time(), sorted(&now)), (time, expected.clone()));
            for key in 0..6 {
                assert_eq!(view.get_with_time(&key), (time, expected.get(&key).copied()));
                assert_eq!(view.with(&key, |n| *n), view.get(&key));
            }
            assert_eq!(view.range(1..4), expected.range(1..4).map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
            if n == subscribed {
                subscriptions.push(view.subscribe());
            }
        }
    }
    job.stop().await.expect("it stops well");
    for subscription in subscriptions {
        assert_eq!(follow(subscription, &seen).await, expected);
    }
    assert_eq!(sorted(&whole.snapshot()), expected, "a view outlives its job");
    assert_eq!(whole.snapshot(), of_changes.snapshot());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn windowed_counts_equal_a_plain_map(
        batches in vec(vec(0..6u8, 0..12), 1..9),
        size in 1..4usize,
        slide in 1..3usize,
        subscribed in 0..9usize,
        workers in 1..3usize,
    ) {
        block_on(both_views_equal_a_plain_map(&batches, size, slide, subscribed.min(batches.len()), workers));
    }
}

/// Looks at the whole view again and again until `ended`; every look must see all that was moved, and no look an
/// earlier batch than the one before.
fn watch(view: &View<u8, i64>, ended: &AtomicBool) -> usize {
    let (mut last, mut different) = (None, 0);
    loop {
        let was_ended = ended.load(Ordering::Acquire);
        let (time, sum) = view.read(|now| (now.time(), now.iter().map(|(_, balance)| balance).sum::<i64>()));
        let snapshot = view.snapshot();
        assert_eq!((sum, snapshot.iter().map(|(_, balance)| balance).sum::<i64>()), (0, 0));
        let (one, _) = view.get_with_time(&1);
        assert!(last <= time && time <= snapshot.time() && snapshot.time() <= one, "time goes back");
        different += usize::from(last != one);
        last = one;
        if was_ended {
            return different;
        }
    }
}

/// Subscribes again and again, also between a batch and its changes; what is followed must see all that was moved.
async fn subscribe_and_leave(view: &View<u8, i64>) {
    loop {
        let (mut mine, mut changes) = view.subscribe();
        for _ in 0..5 {
            let Some(change) = changes.recv().await else {
                assert_eq!(mine, view.snapshot());
                return;
            };
            // One that lags, which the test's machine decides, subscribes anew.
            let Ok(change) = change else { break };
            assert!(mine.time() < Some(change.time), "it is in the snapshot already");
            mine.apply(change.time, &change.keys);
            assert_eq!(mine.iter().map(|(_, balance)| balance).sum::<i64>(), 0, "changes are missing");
        }
    }
}

#[test]
fn every_look_is_as_of_one_batch() {
    // A batch moves money between accounts, so that all of them together stay at nothing.
    let batches: Vec<Vec<(u8, i64)>> = (0..300_i64)
        .map(|n| (1..=50).flat_map(|i| [((n + i) as u8, i), ((3 * n + 7 * i) as u8, -i)]).collect())
        .collect();
    let n = batches.len() as u64;
    for workers in [1, 2] {
        let ((balances, of_changes), (again, whole)) = (view_of_changes(), view());
        let ended = Arc::new(AtomicBool::new(false));
        let readers = [of_changes.clone(), whole.clone()].map(|view| {
            let ended = ended.clone();
            thread::spawn(move || watch(&view, &ended))
        });
        let subscribers = [of_changes.clone(), whole.clone()]
            .map(|view| thread::spawn(move || block_on(subscribe_and_leave(&view))));
        block_on(async {
            let clock = ManualClock::new();
            let ports = accounts::Ports { moved: queue(batches.clone()), balances, again };
            let mut job =
                Engine::new().workers(workers).manual_clock(&clock).start(ports).expect("it starts");
            clock.advance(secs(n));
            job.join().await.expect("it ends well");
        });
        ended.store(true, Ordering::Release);
        for reader in readers {
            assert!(reader.join().expect("each look was consistent") > 0);
        }
        for subscriber in subscribers {
            subscriber.join().expect("no gap and no overlap");
        }
        assert_eq!(of_changes.snapshot(), whole.snapshot());
        assert_eq!(whole.time(), Some(BatchTime::from_millis(n * 1000)));
    }
}

/// Runs a job for four batches that ends at a sink's error: the port, and the error's code.
fn failed(start: impl FnOnce(&Engine) -> Result<Job, StartError>) -> (&'static str, &'static str) {
    let clock = ManualClock::new();
    let ended = block_on(async {
        let mut job = start(&Engine::new().workers(2).manual_clock(&clock)).expect("it starts");
        clock.advance(secs(4));
        job.join().await
    });
    match ended {
        Err(JobError::Sink { port, source }) => (port, source.code()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_that_are_not_unique_end_the_job() {
    let pairs = || queue(vec![vec![(1, 10), (2, 20)], vec![(1, 11)], vec![(3, 30), (3, 31)], vec![(4, 40)]]);
    let ((out, whole), (changes, _)) = (view(), collect());
    let error = failed(|engine| engine.start(copy::Ports { pairs: pairs(), out, changes }));
    assert_eq!(error, ("out", "connector.not_unique"));
    let ((out, _), (changes, of_changes)) = (collect(), view_of_changes());
    let error = failed(|engine| engine.start(copy::Ports { pairs: pairs(), out, changes }));
    assert_eq!(error, ("changes", "connector.not_unique"));
    for view in [whole, of_changes] {
        let last = view.snapshot();
        let time = BatchTime::from_millis(2000);
        assert_eq!(
            (last.time(), sorted(&last)),
            (Some(time), BTreeMap::from([(1, 11)])),
            "as of the batch before"
        );
    }
}
