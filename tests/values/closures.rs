//! Closures that answer otherwise when what they said is taken back.

use std::{
    cell::Cell,
    sync::atomic::{AtomicI64, Ordering},
};

use streaming_runtime::{
    Job, JobError,
    aggregate::sum,
    connect::{collect, queue},
    prelude::*,
};

use super::outcome;

thread_local! {
    static NEXT: Cell<i64> = const { Cell::new(0) };
}

/// Another number each time.
fn next_number() -> i64 {
    NEXT.set(NEXT.get() + 1);
    NEXT.get()
}

stream!(
    #[batch(secs(1))]
    fn summed<numbers: Source<i64>, out: Sink<(i64, i64)>>() {
        let recent = numbers.window(secs(2), secs(1)).distinct();
        recent.map(|v| (v % 2, next_number())).aggregate_by_key(sum()).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn kept_joined<numbers: Source<i64>, out: Sink<(i64, (i64, i64))>>() {
        let recent = numbers.window(secs(2), secs(1)).distinct();
        recent.map(|v| (v, v)).join(recent.map(|v| (v, next_number()))).to(out);
    }
);

fn fails(start: impl FnOnce(&Engine) -> Job, operator: &str) {
    match outcome(Engine::new(), 6, start) {
        Err(error @ JobError::NotDeterministic { operator: found, .. }) => {
            assert_eq!((found, error.code()), (operator, "job.not_deterministic"));
        }
        ended => panic!("{operator} ends with {ended:?}"),
    }
}

fn numbers() -> Vec<Vec<i64>> {
    (0..6).map(|n| vec![n, n + 1]).collect()
}

#[test]
fn what_is_kept_of_them_ends_the_job_and_names_the_operator() {
    fails(
        |engine| {
            let ports = summed::Ports { numbers: queue(numbers()), out: collect().0 };
            engine.start(ports).expect("it starts")
        },
        "summed/out/aggregate_by_key",
    );
    fails(
        |engine| {
            let ports = kept_joined::Ports { numbers: queue(numbers()), out: collect().0 };
            engine.start(ports).expect("it starts")
        },
        "kept_joined/out/join",
    );
}

stream!(
    /// Closures that look at something else behind a window and before what it holds are called once a record.
    #[batch(secs(1))]
    fn numbered<numbers: Source<i64>, out: Sink<i64>>() {
        let recent = numbers.window(secs(2), secs(1)).map(|_| CALLS.fetch_add(1, Ordering::Relaxed));
        recent.distinct().count().to(out);
    }
);

static CALLS: AtomicI64 = AtomicI64::new(0);

#[test]
fn what_a_window_was_told_is_what_leaves_it() {
    let (out, all) = collect();
    let ports = numbered::Ports { numbers: queue(numbers()), out };
    outcome(Engine::new(), 6, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
    assert_eq!(all.records(), [2, 4, 4, 4, 4, 4]);
    assert_eq!(CALLS.load(Ordering::Relaxed), 12);
}
