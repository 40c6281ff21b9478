//! What an aggregate was made with belongs to what it keeps.

use streaming_runtime::{
    Aggregate, Checkpoint, ManualClock, Pipeline,
    aggregate::{Associative, Invertible, Parameters, Undo, count, max, top_k},
    connect::queue,
    prelude::*,
};

use support::Lasting;

use crate::fidelity::refused;

type Pair = (u8, i64);

/// How many values are above a limit. It says its parameters.
struct Above(i64);

/// As that, and says nothing.
struct Silent(i64);

/// It has parameters and no name.
struct Unnamed(i64);

/// It has no fields, so there is nothing to say.
struct Widest;

macro_rules! counting {
    ($name:ident, $stored:expr;  $($said:item)?) => {
        impl Aggregate<i64> for $name {
            type Accumulator = i64;
            type Result = i64;
            type Algebra = Invertible;
            const NAME: &'static str = $stored;
            fn create(&self, n: i64) -> i64 {
                i64::from(n > self.0)
            }
            fn merge(&self, older: i64, newer: i64) -> i64 {
                older + newer
            }
            fn result(&self, count: i64) -> i64 {
                count
            }
            $($said)?
        }
        impl Undo<i64> for $name {
            fn undo(&self, whole: i64, oldest: i64) -> i64 {
                whole - oldest
            }
        }
    };
}

counting!(Above, "above"; fn parameters(&self) -> Parameters {
    Parameters::of(format_args!("limit {}", self.0))
});
counting!(Silent, "silent";);
// As without one.
counting!(Unnamed, ""; fn parameters(&self) -> Parameters {
    Parameters::of(self.0)
});

impl Aggregate<i64> for Widest {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Associative;
    const NAME: &'static str = "widest";
    fn create(&self, n: i64) -> i64 {
        n
    }
    fn merge(&self, older: i64, newer: i64) -> i64 {
        older.max(newer)
    }
    fn result(&self, n: i64) -> i64 {
        n
    }
}

stream!(
    #[batch(secs(1))]
    fn highest<pairs: Source<Pair>, out: Sink<Vec<i64>>>(k: usize) {
        pairs.history().allow_unbounded("a test").map(|(_, n)| n).top_k(k).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn tuple<pairs: Source<Pair>, out: Sink<(u8, (i64, (i64, Vec<i64>)))>>(k: usize) {
        let part = (max(), top_k(k).of(|n: &i64| -n));
        pairs.window(secs(9), secs(1)).aggregate_by_key((count(), part)).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn own<pairs: Source<Pair>, out: Sink<Pair>>(limit: i64) {
        pairs.window(secs(9), secs(1)).aggregate_by_key(Above(limit)).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn silent<pairs: Source<Pair>, out: Sink<Pair>>(limit: i64) {
        pairs.window(secs(9), secs(1)).aggregate_by_key(Silent(limit)).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn unnamed<pairs: Source<Pair>, out: Sink<(u8, (i64, i64))>>() {
        let part = Unnamed(3).of(|n: &i64| -n);
        pairs.window(secs(9), secs(1)).aggregate_by_key((count(), part)).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn unnamed_batches<pairs: Source<Pair>, out: Sink<Pair>>() {
        pairs.aggregate_by_key(Unnamed(3)).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn of_a_batch<pairs: Source<Pair>, out: Sink<Pair>, widest: Sink<Pair>, sums: Sink<Pair>>(limit: i64) {
        pairs.aggregate_by_key(Silent(limit)).to(out);
        pairs.window(secs(9), secs(1)).aggregate_by_key(Widest).to(widest);
        pairs.window(secs(9), secs(1)).reduce_by_key(move |a, b| a + b + limit).to(sums);
    }
);

fn pairs() -> queue::Queue<Pair> {
    queue((0..9).map(|n| vec![(1, n), (2, -n)]).collect())
}

/// Runs a batch.
async fn run(checkpoint: impl Into<Checkpoint>, clock: &ManualClock, pipeline: impl Pipeline) {
    let engine = Engine::new().manual_clock(clock).checkpoint(checkpoint);
    let mut job = engine.start(pipeline).unwrap_or_else(|error| panic!("{error}"));
    clock.advance(secs(1));
    job.delivered(clock.now()).await.expect("delivered");
    job.stop().await.expect("stops");
}

/// Two runs with the first parameter go on; one with the other is refused with these words, until it is forgotten.
async fn differs<P: Pipeline>(make: impl Fn(bool, Lasting) -> P, id: &str, words: &[&str]) {
    let state = tempfile::tempdir().expect("temp");
    let (clock, out) = (ManualClock::new(), Lasting::default());
    for _ in 0..2 {
        run(state.path(), &clock, make(false, out.clone())).await;
    }
    let (code, said) = refused(state.path(), make(true, out.clone()));
    assert_eq!(code, "checkpoint.incompatible");
    for word in words.iter().copied().chain([&*format!("operator `{id}`"), &*format!(".forget({id:?})")]) {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    run(Checkpoint::new(state.path()).forget(id), &clock, make(true, out.clone())).await;
    run(state.path(), &clock, make(true, out.clone())).await;
}

#[tokio::test]
async fn another_parameter_is_refused_by_name() {
    differs(
        |other, out| highest::Ports { pairs: pairs(), out, k: if other { 5 } else { 2 } },
        "highest/out/top_k",
        &["its parameters were `2`, and are `5`"],
    )
    .await;
    differs(
        |other, out| tuple::Ports { pairs: pairs(), out, k: if other { 5 } else { 2 } },
        "tuple/out/aggregate_by_key",
        &["`(,(,2))`", "`(,(,5))`"],
    )
    .await;
    differs(
        |other, out| own::Ports { pairs: pairs(), out, limit: if other { 5 } else { 2 } },
        "own/out/aggregate_by_key",
        &["`limit 2`", "`limit 5`"],
    )
    .await;
}

mod shown {
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn inverse<pairs: Source<Pair>, out: Sink<Pair>>() {
            let recent = pairs.window(secs(9), secs(1));
            recent
                .reduce_by_key_with_inverse_and_filter(|a, b| a + b, |a, b| a - b, |&(_, n)| n != 0)
                .to(out);
        }
    );
}
mod hidden {
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub fn inverse<pairs: Source<Pair>, out: Sink<Pair>>() {
            let recent = pairs.window(secs(9), secs(1));
            let all = recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b);
            all.allow_unbounded("a test").to(out);
        }
    );
}

/// What a filter hides is forgotten, and would be missed without it.
#[tokio::test]
async fn a_filter_belongs_to_what_is_kept() {
    let state = tempfile::tempdir().expect("temp");
    let clock = ManualClock::new();
    run(state.path(), &clock, shown::inverse::Ports { pairs: pairs(), out: Lasting::default() }).await;
    let checkpoint = Checkpoint::new(state.path()).renamed(
        "inverse/out/reduce_by_key_with_inverse_and_filter",
        "inverse/all/reduce_by_key_with_inverse",
    );
    let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
    let error = engine.start(hidden::inverse::Ports { pairs: pairs(), out: Lasting::default() });
    let error = error.err().expect("it has no filter").to_string();
    assert!(error.contains("filter"), "{error}");
}

#[tokio::test]
async fn an_aggregate_with_fields_has_to_say_its_parameters() {
    let state = tempfile::tempdir().expect("temp");
    let ports = || silent::Ports { pairs: pairs(), out: Lasting::default(), limit: 3 };
    let (code, said) = refused(state.path(), ports());
    assert_eq!(code, "checkpoint.incompatible");
    for word in ["operator `silent/out/aggregate_by_key`", "Silent", "fn parameters(&self)"] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    // Without a checkpoint nobody asks.
    let clock = ManualClock::new();
    let mut job = Engine::new().manual_clock(&clock).start(ports()).expect("starts");
    clock.advance(secs(1));
    job.delivered(clock.now()).await.expect("delivered");
}

/// Also as a part of others.
#[tokio::test]
async fn an_aggregate_has_to_have_a_name() {
    let state = tempfile::tempdir().expect("temp");
    let (code, said) = refused(state.path(), unnamed::Ports { pairs: pairs(), out: Lasting::default() });
    assert_eq!(code, "checkpoint.incompatible");
    for word in [
        "operator `unnamed/out/aggregate_by_key`",
        "parameters::Unnamed",
        "const NAME: &'static str = \"Unnamed\";",
    ] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    // Of a batch nothing is kept.
    let clock = ManualClock::new();
    run(state.path(), &clock, unnamed_batches::Ports { pairs: pairs(), out: Lasting::default() }).await;
    // Without a checkpoint nobody asks.
    let ports = unnamed::Ports { pairs: pairs(), out: Lasting::default() };
    let mut job = Engine::new().manual_clock(&clock).start(ports).expect("starts");
    clock.advance(secs(1));
    job.delivered(clock.now()).await.expect("delivered");
}

/// Of a batch nothing is kept; an aggregate without fields has nothing to say; and closures cannot be looked into.
#[tokio::test]
async fn who_has_nothing_to_say_need_not() {
    let state = tempfile::tempdir().expect("temp");
    let clock = ManualClock::new();
    let sink = Lasting::default;
    for limit in [1, 2] {
        let ports = of_a_batch::Ports { pairs: pairs(), out: sink(), widest: sink(), sums: sink(), limit };
        run(state.path(), &clock, ports).await;
    }
}
