//! State in plain functions and methods, which the macro cannot see into: named by the call, or refused.

use streaming_runtime::{
    Checkpoint, ManualClock, StartError,
    aggregate::{max, sum},
    connect::queue,
    kinds::Table,
    prelude::*,
};

use crate::run::{Failure, ids, run};

type Pair = (u64, i64);

fn sums<'s>(orders: Stream<'s, Pair>) -> Stream<'s, Pair, Table> {
    let sums = orders
        .update_state(|_, sum: Option<i64>, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
    sums.allow_unbounded("one number a key").share()
}

fn counts<'s>(orders: Stream<'s, Pair>) -> Stream<'s, Pair, Table> {
    let counts =
        orders.update_state(|_, count: Option<i64>, new: &[i64]| Some(count.unwrap_or(0) + new.len() as i64));
    counts.allow_unbounded("one number a key").share()
}

/// Two states in one function, in either order.
fn both<'s>(
    orders: Stream<'s, Pair>,
    is_exchanged: bool,
) -> (Stream<'s, Pair, Table>, Stream<'s, Pair, Table>) {
    let again = orders.again();
    if is_exchanged {
        let counts = counts(again);
        (sums(orders), counts)
    } else {
        let sums = sums(again);
        (sums, counts(orders))
    }
}

stream!(
    #[batch(secs(1))]
    fn in_one<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>(is_exchanged: bool) {
        let (sums, counts) = both(orders, is_exchanged);
        sums.join(counts).to(out);
    }
);

mod before {
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let sums = sums(orders);
            let counts = counts(orders);
            sums.join(counts).to(out);
        }
    );
}

mod after {
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let counts = counts(orders);
            let sums = sums(orders);
            sums.join(counts).to(out);
        }
    );
}

/// So many batches of the same.
fn orders(batches: usize) -> impl streaming_runtime::Source<Pair> {
    queue(vec![vec![(1, 100), (1, 30)], vec![(1, 5)], vec![(2, 7)]][..batches].to_vec())
}

#[tokio::test]
async fn two_calls_of_helpers_keep_their_states_when_their_lines_are_exchanged() {
    let directory = tempfile::tempdir().expect("a directory");
    let (state, clock) = (directory.path().join("state"), ManualClock::new());
    let lock = directory.path().join("stream.lock");
    let checkpoint = || Checkpoint::new(&state).lock_file(&lock);
    let first = run(checkpoint(), &clock, 2, |out| before::shop::Ports { orders: orders(2), out }).await;
    assert_eq!(first.expect("it runs"), [(1, (135, 3))]);
    assert_eq!(ids(&lock), ["shop/counts/counts", "shop/sums/sums"]);
    let second = run(checkpoint(), &clock, 1, |out| after::shop::Ports { orders: orders(3), out }).await;
    assert_eq!(second.expect("it goes on"), [(1, (135, 3)), (2, (7, 1))]);
}

#[tokio::test]
async fn two_states_of_a_kind_in_one_helper_do_not_start_with_a_checkpoint() {
    for workers in [1, 2] {
        let directory = tempfile::tempdir().expect("a directory");
        let start = |engine: Engine| {
            let (out, _) = streaming_runtime::connect::collect();
            engine.workers(workers).start(in_one::Ports { orders: orders(2), out, is_exchanged: false })
        };
        let refused = start(Engine::new().checkpoint(directory.path())).err().expect("it does not start");
        assert!(matches!(refused, StartError::Build(_)), "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains("`in_one/sums+counts/both`") && said.contains("`stage!`"), "{said}");
        assert!(said.contains("`update_state`"), "{said}");
        // Without a checkpoint nothing is ever found again.
        start(Engine::new()).expect("it starts").abort().await;
    }
}

stream!(
    #[batch(secs(1))]
    fn twice<a: Source<Pair>, b: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
        sums(a).join(sums(b)).to(out);
    }
);

#[tokio::test]
async fn a_helper_that_is_called_twice_in_one_chain_does_not_start_with_a_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = ManualClock::new();
    let failure = run(directory.path(), &clock, 2, |out| twice::Ports { a: orders(2), b: orders(2), out });
    let Err(Failure::Start(refused)) = failure.await else { panic!("it does not start") };
    assert_eq!(refused.code(), "build.operator");
    let said = refused.to_string();
    assert!(said.contains("`twice/out/sums#2`") && said.contains("a `let` of its own"), "{said}");
}

/// Operators with state.
trait Lasting<'s> {
    /// One state.
    fn summed(self) -> Stream<'s, Pair, Table>;
    /// Two of different kinds.
    fn summed_lately(self) -> Stream<'s, Pair, Table>;
    /// Two of one kind, in a loop.
    fn summed_again(self, times: usize) -> Stream<'s, Pair>;
}

impl<'s> Lasting<'s> for Stream<'s, Pair> {
    fn summed(self) -> Stream<'s, Pair, Table> {
        sums(self)
    }
    fn summed_lately(self) -> Stream<'s, Pair, Table> {
        let recent = self.window(secs(5), secs(1)).aggregate_by_key(sum());
        sums(recent.snapshot().share())
    }
    fn summed_again(self, times: usize) -> Stream<'s, Pair> {
        (0..times).fold(self, |stream, _| sums(stream).snapshot().share())
    }
}

stream!(
    #[batch(secs(1))]
    fn methods<orders: Source<Pair>, out: Sink<Pair>, lately: Sink<Pair>>() {
        orders.filter(|(_, amount)| *amount > 0).summed().to(out);
        orders.summed_lately().to(lately);
    }
);

stream!(
    #[batch(secs(1))]
    fn repeated<orders: Source<Pair>, out: Sink<Pair>>(times: usize) {
        orders.summed_again(times).to(out);
    }
);

#[tokio::test]
async fn a_method_with_one_state_of_a_kind_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let (state, clock) = (directory.path().join("state"), ManualClock::new());
    let lock = directory.path().join("stream.lock");
    let checkpoint = || Checkpoint::new(&state).lock_file(&lock);
    let ports = |batches| {
        move |out| {
            let (lately, _) = streaming_runtime::connect::collect();
            methods::Ports { orders: orders(batches), out, lately }
        }
    };
    let first = run(checkpoint(), &clock, 2, ports(2)).await.expect("it runs");
    assert_eq!(first, [(1, 135)]);
    let expected = [
        "methods/lately/summed_lately/aggregate",
        "methods/lately/summed_lately/update_state",
        "methods/out/summed",
    ];
    assert_eq!(ids(&lock), expected);
    let second = run(checkpoint(), &clock, 1, ports(3)).await.expect("it goes on");
    assert_eq!(second, [(1, 135), (2, 7)]);
}

#[tokio::test]
async fn states_that_a_loop_makes_do_not_start_with_a_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = async |times: usize| {
        let ports = move |out| repeated::Ports { orders: orders(2), out, times };
        run(directory.path().join(times.to_string()), &ManualClock::new(), 2, ports).await
    };
    assert_eq!(start(1).await.expect("one state has a name"), [(1, 135)]);
    let Err(Failure::Start(refused)) = start(2).await else { panic!("it does not start") };
    assert!(refused.to_string().contains("`repeated/out/summed_again`"), "{refused}");
}

stream!(
    /// A window that two operators read, each of which keeps its records.
    #[batch(secs(1))]
    fn copies<
        orders: Source<Pair>,
        table: Source<Pair>,
        out: Sink<(u64, (i64, i64))>,
        other: Sink<(u64, (i64, i64))>,
    >() {
        let recent = orders.window(secs(5), secs(1));
        let largest = table.window(secs(5), secs(1)).aggregate_by_key(max());
        largest.join(recent).to(out);
        largest.join(recent).to(other);
    }
);

#[tokio::test]
async fn a_window_that_two_operators_keep_has_a_name_for_each() {
    let directory = tempfile::tempdir().expect("a directory");
    let (state, clock) = (directory.path().join("state"), ManualClock::new());
    let ports = |batches| {
        move |out| {
            let (other, _) = streaming_runtime::connect::collect();
            copies::Ports { orders: orders(batches), table: orders(batches), out, other }
        }
    };
    let first = run(state.as_path(), &clock, 2, ports(2)).await.expect("it runs");
    assert_eq!(first, [(1, (100, 5)), (1, (100, 30)), (1, (100, 100))]);
    let second = run(state.as_path(), &clock, 1, ports(3)).await.expect("it goes on");
    assert_eq!(second, [(1, (100, 5)), (1, (100, 30)), (1, (100, 100)), (2, (7, 7))]);
}
