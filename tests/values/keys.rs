//! Keys that are not equal to themselves, and names that nobody expects.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    BuildError, Job, JobError, ManualClock, StartError,
    aggregate::count_distinct,
    connect::{collect, queue},
    prelude::*,
};

use support::soon;

use super::outcome;

/// A number that is compared as floats are: a NaN is not equal to itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Price(f64);

impl PartialEq for Price {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Price {}
impl Hash for Price {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

stream!(
    #[batch(secs(1))]
    fn different<prices: Source<Price>, out: Sink<i64>>() {
        prices.window(secs(2), secs(1)).aggregate(count_distinct()).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn occurrences<prices: Source<Price>, out: Sink<i64>>() {
        prices.count_by_value().map(|(_, n)| n).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn joined<prices: Source<Price>, out: Sink<i64>>() {
        let recent = prices.map(|price| (price, 1)).window(secs(2), secs(1));
        recent.join(recent).map(|(_, (a, b)): (Price, (i64, i64))| a + b).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn states<prices: Source<Price>, out: Sink<i64>>() {
        let states = prices
            .map(|price| (price, 1))
            .update_state(|_, old: Option<i64>, new: &[i64]| Some(old.unwrap_or(0) + new.len() as i64));
        states.allow_unbounded("a test").map(|(_, n)| n).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn mapped<prices: Source<Price>, out: Sink<i64>>() {
        let (numbers, _states) =
            prices.map(|price| (price, 1)).map_with_state(idle_for(secs(5)), |_, n: Option<i64>, s| {
                s.update(1);
                n
            });
        numbers.to(out);
    }
);

fn prices() -> Vec<Vec<Price>> {
    vec![vec![Price(1.0), Price(f64::NAN), Price(1.0)], vec![Price(2.0)], vec![], vec![]]
}

fn fails(start: impl FnOnce(&Engine) -> Job, operator: &str) {
    match outcome(Engine::new(), 4, start) {
        Err(error @ JobError::KeyNotItself { operator: found, what }) => {
            assert_eq!((found, error.code()), (operator, "job.key_not_itself"));
            assert!(what.ends_with("Price"), "{what}");
        }
        ended => panic!("{operator} ends with {ended:?}"),
    }
}

#[test]
fn a_key_that_is_not_itself_ends_the_job_and_names_the_operator() {
    macro_rules! fails {
        ($($program:ident: $operator:literal)+) => {
            $(fails(
                |engine| {
                    let ports = $program::Ports { prices: queue(prices()), out: collect().0 };
                    engine.start(ports).expect("it starts")
                },
                $operator,
            );)+
        };
    }
    fails! {
        different: "different/out/aggregate"
        occurrences: "occurrences/out/count_by_value"
        joined: "joined/out/join"
        states: "states/states/update_state"
        mapped: "mapped/numbers+_states/map_with_state"
    }
}

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

#[test]
fn a_job_may_have_any_name() {
    for name in ["", "a\0b", "\0", "ä/..\\\n\t\"}{", &"long ".repeat(10_000)] {
        let (out, all) = collect();
        let ports = copy::Ports { numbers: queue(vec![vec![1]]), out };
        let engine = Engine::new().name(name).workers(2);
        outcome(engine, 1, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        assert_eq!(all.records(), [1], "{name:?}");
    }
}

stream!(
    #[batch(secs(1))]
    fn parted<numbers: Source<i64>, out: Sink<i64>>(parts: usize) {
        numbers.map_partitions(parts, |part| part).to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn windowed<numbers: Source<i64>, out: Sink<i64>>(size: std::time::Duration, slide: std::time::Duration) {
        numbers.window(size, slide).count().to(out);
    }
);
stream!(
    #[batch(secs(1))]
    fn looped<numbers: Source<i64>, out: Sink<i64>>(rounds: u64) {
        numbers.window(secs(1), secs(1)).distinct().iterate_at_most(rounds, |n| n.map(|n| n)).to(out);
    }
);

/// The operator that an engine cannot make, on threads and on this one.
async fn refused<P: streaming_runtime::Pipeline>(ports: impl Fn() -> P, operator: &str) {
    let clock = ManualClock::new();
    let engine = Engine::new().manual_clock(&clock);
    let on_threads = engine.workers(2).start(ports()).map(drop);
    let engine = Engine::new().manual_clock(&clock);
    let local = tokio::task::LocalSet::new();
    let here = local.run_until(async { engine.start_local(ports()).map(drop) }).await;
    for started in [on_threads, here] {
        match started {
            Err(StartError::Build(BuildError::Operator { operator: found, .. })) => {
                assert_eq!(found, operator)
            }
            other => panic!("the start ends with {other:?}"),
        }
    }
    soon(async {}).await;
}

#[tokio::test]
async fn values_that_do_not_fit_an_operator_are_errors_of_the_start() {
    let numbers = || queue(vec![vec![1]]);
    refused(|| parted::Ports { numbers: numbers(), out: collect().0, parts: 0 }, "parted/out/map_partitions")
        .await;
    for (size, slide) in [(millis(1500), secs(1)), (secs(0), secs(1)), (secs(1), secs(0))] {
        refused(
            || windowed::Ports { numbers: numbers(), out: collect().0, size, slide },
            "windowed/out/window",
        )
        .await;
    }
    refused(
        || looped::Ports { numbers: numbers(), out: collect().0, rounds: 0 },
        "looped/out/iterate_at_most",
    )
    .await;
}
