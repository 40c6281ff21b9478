//! Small programs, each with the right values spelled out.

use streaming_runtime::{
    BatchTime, Checkpoint, Engine, Job, ManualClock,
    connect::{Batch, channel, queue, sqlite, view_of_changes},
    prelude::*,
    testing::SimulatedDisk,
};

use crate::run::Store;

stream!(
    /// Whoever stands left: a batch's own records, and what is kept in the batches that renew it.
    #[batch(secs(1))]
    fn unions<
        pairs: Source<(u8, i64)>,
        one_way: Sink<(u8, i64)>,
        other_way: Sink<(u8, i64)>,
        seen: Sink<usize>,
        states: Sink<(u8, i64)>,
    >() {
        let sums =
            pairs.map(|(key, value)| (key + 10, value)).window(secs(2), secs(1)).reduce_by_key(|a, b| a + b);
        let whole = sums.snapshot();
        pairs.union(whole).to(one_way);
        let both = whole.union(pairs);
        both.to(other_way);
        both.transform(|_, records| [records.len()]).to(seen);
        both.update_state(|_, n, new: &[i64]| Some(n.unwrap_or(0) + new.len() as i64))
            .allow_unbounded("a test")
            .to(states);
    }
);

stream!(
    /// A batch meets contents as they stand.
    #[batch(secs(1))]
    fn lookups<
        pairs: Source<(u8, i64)>,
        of_snapshot: Sink<(u8, (i64, i64))>,
        of_window: Sink<(u8, (i64, i64))>,
        of_table: Sink<(u8, (i64, Option<i64>))>,
        unknown: Sink<(u8, i64)>,
    >() {
        let recent = pairs.window(secs(10), secs(2));
        let sums = recent.reduce_by_key(|a, b| a + b);
        pairs.join(sums.snapshot()).to(of_snapshot);
        recent.join(pairs).map_values(|(old, new)| (new, old)).to(of_window);
        pairs.left_join(sums).to(of_table);
        pairs.antijoin(sums.map(|(key, _)| key)).to(unknown);
    }
);

stream!(
    /// What is kept of each batch, with what is kept of slides.
    #[batch(secs(1))]
    fn kept<pairs: Source<(u8, i64)>, contents: Sink<(u8, i64)>, changes: Sink<((u8, i64), i64)>>() {
        let slides =
            pairs.map(|(key, value)| (key + 10, value)).window(secs(2), secs(2)).reduce_by_key(|a, b| a + b);
        let totals = pairs
            .update_state(|_, sum, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()))
            .allow_unbounded("a test");
        let all = slides.union(totals);
        all.to(contents);
        all.changes().to(changes);
    }
);

type Delivered<T> = Vec<(u64, Vec<T>)>;

/// What a sink got, by milliseconds.
fn delivered<T: Clone + Ord>(store: &Store<T>) -> Delivered<T> {
    let sorted = |Batch { time, mut records }: Batch<T>| {
        records.sort();
        (time.as_millis(), records)
    };
    store.batches().into_iter().map(sorted).collect()
}

/// Batches at 1200 and 2300 ms with a record each, between those at whole seconds.
async fn two_early(job: impl FnOnce(&Engine, streaming_runtime::connect::ChannelSource<(u8, i64)>) -> Job) {
    let clock = ManualClock::new();
    let (sender, pairs) = channel(8);
    let mut job = job(&Engine::new().manual_clock(&clock).close_early(true), pairs);
    for (at, pair) in [(1000, None), (1200, Some((1, 5))), (2000, None), (2300, Some((1, 7))), (3000, None)] {
        clock.advance(millis(at - clock.now().as_millis()));
        match pair {
            Some(pair) => {
                let receipt = sender.send_tracked(pair).await.expect("it runs");
                receipt.await.expect("it is delivered");
            }
            None => job.delivered(clock.now()).await.expect("it runs"),
        }
    }
    job.abort().await;
}

#[tokio::test]
async fn a_union_has_each_batch_and_contents_when_they_are_new() {
    let (one_way, other_way) = <(Store<_>, Store<_>)>::default();
    let (seen, states) = <(Store<_>, Store<_>)>::default();
    let (one, other, lengths, counts) = (one_way.clone(), other_way.clone(), seen.clone(), states.clone());
    two_early(|engine, pairs| {
        engine.start(unions::Ports { pairs, one_way, other_way, seen, states }).expect("it starts")
    })
    .await;
    let expected = vec![
        (1000, vec![]),
        (1200, vec![(1, 5)]),
        (2000, vec![(11, 5)]),
        (2300, vec![(1, 7)]),
        (3000, vec![(11, 12)]),
    ];
    assert_eq!(delivered(&one), expected);
    assert_eq!(delivered(&other), expected);
    let each = |n: usize| vec![n];
    assert_eq!(
        delivered(&lengths),
        [(1000, each(0)), (1200, each(1)), (2000, each(1)), (2300, each(1)), (3000, each(1))]
    );
    assert_eq!(delivered(&counts).last(), Some(&(3000, vec![(1, 2), (11, 2)])));
}

/// What is delivered where only early batches have something.
fn at<T>(early: Vec<T>, second: Vec<T>) -> Delivered<T> {
    vec![(1000, vec![]), (1200, early), (2000, vec![]), (2300, second), (3000, vec![])]
}

#[tokio::test]
async fn a_batch_meets_contents_as_they_stand() {
    let (of_snapshot, of_window) = <(Store<_>, Store<_>)>::default();
    let (of_table, unknown) = <(Store<_>, Store<_>)>::default();
    let stores = (of_snapshot.clone(), of_window.clone(), of_table.clone(), unknown.clone());
    two_early(|engine, pairs| {
        engine.start(lookups::Ports { pairs, of_snapshot, of_window, of_table, unknown }).expect("it starts")
    })
    .await;
    // The window is renewed at 2000, with the record of 1200.
    assert_eq!(delivered(&stores.0), at(vec![], vec![(1, (7, 5))]));
    assert_eq!(delivered(&stores.1), at(vec![], vec![(1, (7, 5))]));
    let table = at(vec![(1, (5, None))], vec![(1, (7, Some(5)))]);
    assert_eq!(delivered(&stores.2), table);
    assert_eq!(delivered(&stores.3), at(vec![(1, 5)], vec![]));
}

#[tokio::test]
async fn changes_add_up_to_the_contents_of_what_is_renewed_at_other_times() {
    let (contents, changes) = <(Store<_>, Store<_>)>::default();
    let (whole, changed) = (contents.clone(), changes.clone());
    two_early(|engine, pairs| engine.start(kept::Ports { pairs, contents, changes }).expect("it starts"))
        .await;
    let expected = [
        (1000, vec![]),
        (1200, vec![(1, 5)]),
        (2000, vec![(1, 5), (11, 5)]),
        (2300, vec![(1, 12), (11, 5)]),
        (3000, vec![(1, 12), (11, 5)]),
    ];
    assert_eq!(delivered(&whole), expected);
    let mut sum = std::collections::BTreeMap::new();
    let sums = delivered(&changed).into_iter().map(|(at, changes)| {
        changes.into_iter().for_each(|(pair, n)| *sum.entry(pair).or_insert(0) += n);
        (at, sum.iter().filter(|(_, n)| **n > 0).map(|(pair, _)| *pair).collect::<Vec<_>>())
    });
    assert_eq!(sums.collect::<Vec<_>>(), expected);
}

stream!(
    #[batch(secs(1))]
    fn sums<pairs: Source<(u8, i64)>, totals: Sink<((u8, i64), i64)>>() {
        pairs.window(secs(10), secs(5)).reduce_by_key(|a, b| a + b).changes().to(totals);
    }
);

/// A view is filled again from the state, also where the job went down between two slides.
#[tokio::test]
async fn a_view_of_slides_is_filled_again() {
    let state = SimulatedDisk::default();
    let clock = ManualClock::new();
    let start = || {
        let (totals, view) = view_of_changes();
        // A batch each second, all of one key.
        let pairs = queue((0..30).map(|n| vec![(1, n)]).collect());
        let engine = Engine::new().manual_clock(&clock).checkpoint(Checkpoint::in_storage(state.clone()));
        (engine.start(sums::Ports { pairs, totals }).expect("it starts"), view)
    };
    let (mut job, view) = start();
    clock.advance(secs(7));
    job.delivered(clock.now()).await.expect("it runs");
    assert_eq!(view.get(&1), Some(10));
    job.abort().await;
    state.kill();
    let (mut job, view) = start();
    clock.advance(secs(1));
    job.delivered(clock.now()).await.expect("it runs");
    assert_eq!(view.get(&1), Some(10), "as of the slide at 5 s");
    clock.advance(secs(2));
    job.delivered(clock.now()).await.expect("it runs");
    assert_eq!((view.time(), view.get(&1)), (Some(BatchTime::from_millis(10_000)), Some(45)));
    job.abort().await;
}

stream!(
    #[batch(secs(1))]
    fn of_two_slides<numbers: Source<i64>, counts: Sink<i64>>() {
        let twos = numbers.window(secs(4), secs(4)).distinct();
        let threes = numbers.window(secs(6), secs(6)).distinct();
        twos.union(threes).count().to(counts);
    }
);

/// A sink that gets batches at the slides of two windows lacks none in between, and gets none twice.
#[tokio::test]
async fn a_database_goes_on_between_the_slides_of_two_windows() {
    let directory = tempfile::tempdir().expect("temp");
    let (database, state) = (directory.path().join("out.db"), SimulatedDisk::default());
    let clock = ManualClock::new();
    for _ in 0..25 {
        let counts = sqlite::append(&database, "counts", ["n"]).row(|n: i64| (n,));
        let numbers = queue((0..40).map(|n| vec![n]).collect());
        let checkpoint = Checkpoint::in_storage(state.clone()).exactly_once().segment_bytes(1);
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let mut job = engine.start(of_two_slides::Ports { numbers, counts }).expect("it starts");
        clock.advance(secs(1));
        job.delivered(clock.now()).await.unwrap_or_else(|error| panic!("{error} at {}", clock.now()));
        job.abort().await;
        state.kill();
    }
    let database = rusqlite::Connection::open(database).expect("there is a database");
    let rows = database
        .prepare("select n from counts")
        .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>());
    // At 4, 6, 8, 12, 16, 18, 20 and 24 s.
    assert_eq!(rows.expect("SQL"), [4, 10, 10, 10, 10, 10, 10, 10]);
}
