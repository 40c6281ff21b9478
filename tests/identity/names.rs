//! Bindings of one type that exchange their names: their states would, too, so the author is asked.

use streaming_runtime::{Checkpoint, ManualClock, connect::queue, prelude::*};

use crate::run::{Failure, run};

type Pair = (u64, i64);

fn orders(batches: usize) -> impl streaming_runtime::Source<Pair> {
    queue(vec![vec![(1, 100), (1, 30)], vec![(1, 5)], vec![(2, 7)]][..batches].to_vec())
}

fn add(_: &u64, sum: Option<i64>, new: &[i64]) -> Option<i64> {
    Some(sum.unwrap_or(0) + new.iter().sum::<i64>())
}

fn count(_: &u64, count: Option<i64>, new: &[i64]) -> Option<i64> {
    Some(count.unwrap_or(0) + new.len() as i64)
}

fn count_mended(_: &u64, count: Option<i64>, new: &[i64]) -> Option<i64> {
    Some(count.unwrap_or(0) + i64::try_from(new.len()).expect("few"))
}

mod before {
    //! What was there.
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let sums = orders.update_state(add).allow_unbounded("a number a key");
            let counts = orders.update_state(count).allow_unbounded("a number a key");
            sums.join(counts).to(out);
        }
    );
}

mod moved {
    //! Statements in another order.
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let counts = orders.update_state(count).allow_unbounded("a number a key");
            let sums = orders.update_state(add).allow_unbounded("a number a key");
            sums.join(counts).to(out);
        }
    );
}

mod mended {
    //! One function is mended.
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let sums = orders.update_state(add).allow_unbounded("a number a key");
            let counts = orders.update_state(count_mended).allow_unbounded("a number a key");
            sums.join(counts).to(out);
        }
    );
}

mod exchanged {
    //! The names are exchanged.
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let sums = orders.update_state(count).allow_unbounded("a number a key");
            let counts = orders.update_state(add).allow_unbounded("a number a key");
            sums.join(counts).to(out);
        }
    );
}

mod filtered {
    //! One reads less.
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let sums = orders.update_state(add).allow_unbounded("a number a key");
            let some = orders.filter(|(_, amount)| *amount > 6);
            let counts = some.update_state(count).allow_unbounded("a number a key");
            sums.join(counts).to(out);
        }
    );
}

mod taken {
    //! What was `sums` is `totals`, and `sums` is new.
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>, largest: Sink<Pair>>() {
            let totals = orders.update_state(add).allow_unbounded("a number a key");
            let counts = orders.update_state(count).allow_unbounded("a number a key");
            let sums = orders.filter(|(_, n)| *n > 50).update_state(add).allow_unbounded("a number a key");
            totals.join(counts).to(out);
            sums.to(largest);
        }
    );
}

/// A place in which `before` has run for two batches.
struct Place {
    directory: tempfile::TempDir,
    clock: ManualClock,
}

impl Place {
    async fn new() -> Self {
        let place = Place { directory: tempfile::tempdir().expect("a directory"), clock: ManualClock::new() };
        let ports = |out| before::shop::Ports { orders: orders(2), out };
        let first = run(place.checkpoint(), &place.clock, 2, ports).await;
        assert_eq!(first.expect("it runs"), [(1, (135, 3))]);
        place
    }
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.directory.path())
    }
}

/// What a start says that asks for a word.
fn asked<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    match outcome {
        Err(failure) => failure.to_string(),
        Ok(records) => panic!("it goes on with {records:?}"),
    }
}

#[tokio::test]
async fn names_that_are_exchanged_are_refused_until_the_author_has_said_what_is_meant() {
    let place = Place::new().await;
    let ports = |out| exchanged::shop::Ports { orders: orders(3), out };
    let said = asked(run(place.checkpoint(), &place.clock, 1, ports).await);
    for words in
        ["`shop/sums/update_state`", "`shop/counts/update_state`", ".keeps(\"shop/sums/update_state\")"]
    {
        assert!(said.contains(words), "{said}");
    }
    // A refusal touches nothing: the program of before goes on.
    let ports = |out| before::shop::Ports { orders: orders(3), out };
    let second = run(place.checkpoint(), &place.clock, 1, ports).await;
    assert_eq!(second.expect("it goes on"), [(1, (135, 3)), (2, (7, 1))]);

    let place = Place::new().await;
    let confirmed = || place.checkpoint().keeps("shop/sums/update_state").keeps("shop/counts/update_state");
    let ports = |out| exchanged::shop::Ports { orders: orders(3), out };
    let second = run(confirmed(), &place.clock, 1, ports).await;
    assert_eq!(second.expect("it was said"), [(1, (135, 3)), (2, (1, 7))]);
    // Said once, it is known; the word is harmless.
    for checkpoint in [place.checkpoint(), confirmed()] {
        let ports = |out| exchanged::shop::Ports { orders: orders(3), out };
        run(checkpoint, &place.clock, 1, ports).await.expect("it is as it was");
    }
}

#[tokio::test]
async fn a_rename_whose_old_name_is_taken_is_refused() {
    let place = Place::new().await;
    let ports = |out| {
        let (largest, _) = streaming_runtime::connect::collect();
        taken::shop::Ports { orders: orders(3), out, largest }
    };
    let said = asked(run(place.checkpoint(), &place.clock, 1, ports).await);
    assert!(said.contains("operator `shop/sums/update_state`"), "{said}");
    assert!(said.contains("`shop/totals/update_state` as it was"), "{said}");
}

#[tokio::test]
async fn what_is_mended_or_moved_goes_on() {
    let place = Place::new().await;
    let ports = |out| moved::shop::Ports { orders: orders(3), out };
    let second = run(place.checkpoint(), &place.clock, 1, ports).await;
    assert_eq!(second.expect("it goes on"), [(1, (135, 3)), (2, (7, 1))]);
    let place = Place::new().await;
    let ports = |out| mended::shop::Ports { orders: orders(3), out };
    let second = run(place.checkpoint(), &place.clock, 1, ports).await;
    assert_eq!(second.expect("it goes on"), [(1, (135, 3)), (2, (7, 1))]);
    let place = Place::new().await;
    let ports = |out| filtered::shop::Ports { orders: orders(3), out };
    let second = run(place.checkpoint(), &place.clock, 1, ports).await;
    assert_eq!(second.expect("it goes on"), [(1, (135, 3)), (2, (7, 1))]);
}
