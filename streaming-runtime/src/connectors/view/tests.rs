use std::{collections::BTreeMap, sync::mpsc, thread, time::Duration};

use super::*;
use crate::contract::{
    error::ConnectorError,
    sink::{Batch, Sink},
};

type Changed = ((u32, i64), i64);

fn at(millis: u64) -> BatchTime {
    BatchTime::from_millis(millis)
}

async fn write<T>(sink: &mut impl Sink<T>, millis: u64, records: Vec<T>) -> Result<(), ConnectorError> {
    sink.write(Batch { time: at(millis), records }).await
}

fn contents(snapshot: &Snapshot<u32, i64>) -> BTreeMap<u32, i64> {
    snapshot.iter().map(|(key, value)| (*key, *value)).collect()
}

#[tokio::test]
async fn contents_are_replaced() {
    let (mut sink, view) = view();
    assert_eq!((view.time(), view.get(&1), view.is_empty()), (None, None, true));
    write(&mut sink, 1, vec![(1, 10), (2, 20)]).await.expect("unique");
    assert_eq!(view.get_with_time(&1), (Some(at(1)), Some(10)));
    write(&mut sink, 2, vec![(2, 21), (3, 30)]).await.expect("unique");
    assert_eq!(view.get_with_time(&1), (Some(at(2)), None));
    assert_eq!(contents(&view.snapshot()), BTreeMap::from([(2, 21), (3, 30)]));
    write(&mut sink, 3, vec![]).await.expect("unique");
    assert_eq!((view.time(), view.len()), (Some(at(3)), 0));
    drop(sink);
    assert_eq!(view.time(), Some(at(3)), "it outlives its sink");
}

#[tokio::test]
async fn changes_add_up() {
    let (mut sink, view) = view_of_changes();
    write(&mut sink, 1, vec![((1, 10), 1), ((2, 20), 1)]).await.expect("unique");
    write(&mut sink, 2, vec![((1, 11), 1), ((1, 10), -1), ((3, 30), 1)]).await.expect("unique");
    assert_eq!(contents(&view.snapshot()), BTreeMap::from([(1, 11), (2, 20), (3, 30)]));
    write(&mut sink, 3, vec![]).await.expect("unique");
    write(&mut sink, 4, vec![((2, 20), -1), ((3, 30), -1), ((3, 30), 1)]).await.expect("unique");
    assert_eq!(contents(&view.snapshot()), BTreeMap::from([(1, 11), (3, 30)]));
    assert_eq!(view.range(2..), [(3, 30)]);
    assert_eq!(view.with(&3, |value| value + 1), Some(31));
}

#[tokio::test]
async fn a_range_of_texts_is_bounded_by_literals() {
    let (mut sink, view) = view();
    let words = ["a", "ant", "bee", "cat", "dog"].map(|word| (word.to_owned(), word.len()));
    write(&mut sink, 1, words.to_vec()).await.expect("unique");
    let keys = |found: Vec<(String, usize)>| found.into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(keys(view.range("ant".."cat")), ["ant", "bee"]);
    assert_eq!(keys(view.range("ant"..="cat")), ["ant", "bee", "cat"]);
    assert_eq!(keys(view.range(.."b")), ["a", "ant"]);
    assert_eq!(keys(view.range("cat".to_owned()..)), ["cat", "dog"]);
}

#[tokio::test]
async fn large_batches_are_taken_as_small_ones() {
    let ((mut one, whole), (mut other, of_changes)) = (view(), view_of_changes());
    for (millis, n) in [(1_u32, 30_000_u32), (2, 20), (3, 0), (4, 30_000), (5, 10)] {
        let pairs = (0..n).map(|key| (key, i64::from(key * millis))).collect::<Vec<_>>();
        let (before, mut changes) = (of_changes.snapshot(), Vec::new());
        changes.extend(before.into_iter().map(|pair| (pair, -1)));
        changes.extend(pairs.iter().map(|pair| (*pair, 1)));
        write(&mut one, u64::from(millis), pairs).await.expect("unique");
        write(&mut other, u64::from(millis), changes).await.expect("unique");
        assert_eq!(whole.len(), n as usize);
        assert_eq!(whole.snapshot(), of_changes.snapshot());
    }
}

#[tokio::test]
async fn what_has_not_one_value_a_key_is_an_error_and_not_shown() {
    let (mut sink, whole) = view();
    write(&mut sink, 1, vec![(1, 10)]).await.expect("unique");
    let error = write(&mut sink, 2, vec![(2, 20), (2, 20)]).await.expect_err("a key twice");
    assert_eq!(error.code(), "connector.not_unique");
    assert_eq!(
        error.to_string(),
        "view: the batch at 1970-01-01 00:00:00.002 UTC leaves a key with more than one value; a view takes streams with one value a \
         key, such as `reduce_by_key` makes"
    );
    assert_eq!((whole.time(), contents(&whole.snapshot())), (Some(at(1)), BTreeMap::from([(1, 10)])));

    let (mut sink, of_changes) = view_of_changes();
    write(&mut sink, 1, vec![((1, 10), 1)]).await.expect("unique");
    let error = write(&mut sink, 2, vec![((2, 20), 1), ((1, 11), -1)]).await.expect_err("it is not there");
    assert!(error.to_string().contains("takes back a value that is not there"), "{error}");
    assert_eq!(of_changes.snapshot(), whole.snapshot());
}

/// Looks at the view on a thread of its own until it is let go, and returns what it saw before and after.
fn straggler(view: &View<u32, i64>) -> (mpsc::Sender<()>, thread::JoinHandle<[Option<i64>; 2]>) {
    let (view, (go, gone), (entered, inside)) = (view.clone(), mpsc::channel(), mpsc::channel());
    let thread = thread::spawn(move || {
        view.read(|now| {
            entered.send(()).expect("somebody waits");
            let before = now.get(&1).copied();
            gone.recv().expect("it is let go");
            [before, now.get(&1).copied()]
        })
    });
    inside.recv().expect("it looks");
    (go, thread)
}

#[tokio::test]
async fn a_slow_reader_sees_one_batch_and_holds_up_only_the_one_after_the_next() {
    let (mut sink, view) = view_of_changes::<u32, i64>();
    write(&mut sink, 1, vec![((1, 1), 1)]).await.expect("unique");
    let (go, slow) = straggler(&view);
    write(&mut sink, 2, vec![((1, 1), -1), ((1, 2), 1)]).await.expect("unique");
    assert_eq!(view.get(&1), Some(2), "others go on");
    {
        let next = write(&mut sink, 3, vec![((1, 2), -1), ((1, 3), 1)]);
        tokio::pin!(next);
        // It cannot be done for as long as the reader looks, however long this waits.
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut next).await.is_err());
        assert_eq!(view.get_with_time(&1), (Some(at(2)), Some(2)));
        go.send(()).expect("it waits");
        next.await.expect("unique");
    }
    assert_eq!(slow.join().expect("no panic"), [Some(1), Some(1)]);
    assert_eq!(view.get_with_time(&1), (Some(at(3)), Some(3)));
}

#[tokio::test]
async fn a_write_that_was_given_up_leaves_nothing_behind() {
    let (mut sink, view) = view_of_changes::<u32, i64>();
    write(&mut sink, 1, vec![((1, 1), 1)]).await.expect("unique");
    let (go, slow) = straggler(&view);
    write(&mut sink, 2, vec![((1, 1), -1), ((1, 2), 1)]).await.expect("unique");
    let third = || vec![((1, 2), -1), ((1, 3), 1), ((2, 1), 1)];
    let given_up = tokio::time::timeout(Duration::from_millis(20), write(&mut sink, 3, third()));
    assert!(given_up.await.is_err(), "a reader is in the way");
    go.send(()).expect("it waits");
    slow.join().expect("no panic");
    // The work of the write that was given up is done now, or it is not; both are the same.
    write(&mut sink, 3, third()).await.expect("unique");
    assert_eq!(contents(&view.snapshot()), BTreeMap::from([(1, 3), (2, 1)]));
    write(&mut sink, 4, vec![((2, 1), -1)]).await.expect("unique");
    assert_eq!(contents(&view.snapshot()), BTreeMap::from([(1, 3)]));
}

#[tokio::test]
async fn a_panic_of_a_reader_harms_nobody() {
    let (mut sink, view) = view::<u32, i64>();
    for millis in 1..4 {
        write(&mut sink, millis, vec![(1, 1)]).await.expect("unique");
        let view = view.clone();
        thread::spawn(move || view.with(&1, |_| panic!("a test"))).join().expect_err("it panics");
    }
    assert_eq!(view.get_with_time(&1), (Some(at(3)), Some(1)));
}

/// What a subscriber has of every batch that it heard of.
async fn followed(
    (mut mine, mut changes): (Snapshot<u32, i64>, Changes<u32, i64>),
) -> Vec<(Option<BatchTime>, BTreeMap<u32, i64>)> {
    let mut seen = vec![(mine.time(), contents(&mine))];
    while let Some(change) = changes.recv().await {
        let change = change.expect("it does not lag");
        mine.apply(change.time, &change.keys);
        seen.push((mine.time(), contents(&mine)));
    }
    assert!(changes.recv().await.is_none(), "the end is the end");
    seen
}

#[tokio::test]
async fn subscribers_hear_what_changes_after_their_snapshot() {
    let ((mut one, whole), (mut other, of_changes)) = (view(), view_of_changes());
    let first = [whole.subscribe(), of_changes.subscribe()];
    write(&mut one, 1, vec![(1, 10)]).await.expect("unique");
    write(&mut other, 1, vec![((1, 10), 1)]).await.expect("unique");
    let second = [whole.subscribe(), of_changes.subscribe()];
    write(&mut one, 2, vec![(1, 10)]).await.expect("unique");
    write(&mut other, 2, vec![]).await.expect("unique");
    write(&mut one, 3, vec![(2, 20)]).await.expect("unique");
    write(&mut other, 3, vec![((1, 10), -1), ((2, 20), 1)]).await.expect("unique");
    drop((one, other));
    let end = (Some(at(3)), BTreeMap::from([(2, 20)]));
    let middle = (Some(at(1)), BTreeMap::from([(1, 10)]));
    for subscription in first {
        assert_eq!(followed(subscription).await, [(None, BTreeMap::new()), middle.clone(), end.clone()]);
    }
    for subscription in second {
        assert_eq!(
            followed(subscription).await,
            [middle.clone(), end.clone()],
            "batches without changes are not told"
        );
    }
    assert_eq!(followed(whole.subscribe()).await, [end], "the job has ended");
}

#[tokio::test]
async fn who_lags_is_told_and_can_subscribe_anew() {
    let (sink, view) = view_of_changes::<u32, i64>();
    let mut sink = sink.backlog(4);
    let (_, mut slow) = view.subscribe();
    let step = |n: i64| -> Vec<Changed> {
        if n == 1 { vec![((1, 1), 1)] } else { vec![((1, n - 1), -1), ((1, n), 1)] }
    };
    for n in 1..=6 {
        write(&mut sink, n as u64, step(n)).await.expect("unique");
    }
    let lagged = slow.recv().await.expect("an item").expect_err("two are lost");
    assert_eq!((lagged, lagged.code()), (Lagged { batches: 2 }, "view.lagged"));
    assert!(slow.recv().await.is_none());
    let anew = view.subscribe();
    write(&mut sink, 7, step(7)).await.expect("unique");
    drop(sink);
    assert_eq!(followed(anew).await.last(), Some(&(Some(at(7)), BTreeMap::from([(1, 7)]))));
}

#[tokio::test]
async fn waiting_for_a_batch() {
    let (mut sink, view) = view::<u32, i64>();
    let reader = view.clone();
    let waiting = tokio::spawn(async move {
        reader.wait_until(at(2)).await.expect("it comes");
        reader.get(&1)
    });
    tokio::task::yield_now().await;
    write(&mut sink, 1, vec![]).await.expect("unique");
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    write(&mut sink, 3, vec![(1, 10)]).await.expect("unique");
    assert_eq!(waiting.await.expect("no panic"), Some(10));
    drop(sink);
    view.wait_until(at(3)).await.expect("it is there");
    let error = view.wait_until(at(4)).await.expect_err("it never comes");
    assert_eq!((error, error.code()), (Ended, "view.ended"));
}

#[test]
fn a_view_is_read_from_any_thread() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (_sink, view) = view::<String, f64>();
    shared(&view);
    assert_eq!(format!("{view:?}"), "View { time: None, len: 0 }");
}

#[tokio::test]
async fn what_the_snapshot_has_already_is_not_told_again() {
    let (feed, told) = broadcast::channel(4);
    for millis in 1..=3 {
        let change = Change { time: at(millis), keys: Arc::new([(1_u32, Some(millis as i64))]) };
        feed.send(change).expect("somebody hears it");
    }
    drop(feed);
    let mut changes = Changes::new(Some(told), Some(at(2)));
    assert_eq!(changes.recv().await.expect("one").expect("in time").time, at(3));
    assert!(changes.recv().await.is_none());
}
