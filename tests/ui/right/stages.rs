//! Stages in all their forms, and functions beside modules, types and values of their name.

use streaming_runtime::{
    Key, Record, SinkPort,
    aggregate::sum,
    kinds::{PerBatch, Table, Windowed},
    prelude::*,
};

stage!(
    /// With bounds, a window and a value.
    pub(crate) fn recent<'s, K, V>(
        records: Stream<'s, (K, V)>,
        size: std::time::Duration,
        mut least: usize,
    ) -> Stream<'s, (K, V), Windowed>
    where
        K: Key,
        V: Record,
    {
        least += 1;
        let _ = least;
        records.window(size, secs(1))
    }
);

stage!(
    fn same<'s, T: Record>(records: Stream<'s, T, PerBatch>) -> Stream<'s, T> {
        records
    }
);

stage!(
    #[must_use = "it is halved for nothing"]
    fn in_a_loop<'s>(numbers: Stream<'s, u64, Table>) -> Stream<'s, u64, Table> {
        let all = numbers.iterate(|all| all.filter(|&n| n > 1).map(|n| n / 2).union(numbers).distinct());
        all
    }
);

stage!(
    /// A sink of the caller's.
    fn audited<'s>(numbers: Stream<'s, u64>, audit: &SinkPort<'s, u64>) -> Stream<'s, u64> {
        numbers.to(audit);
        numbers.map(|n| n + 1)
    }
);

mod dedup {
    pub fn dedup<'s>(numbers: super::Stream<'s, u64>) -> super::Stream<'s, u64> {
        numbers.distinct()
    }
}
use dedup::dedup;

mod inner {
    use super::*;

    stage!(
        pub(super) fn summed<'s>(numbers: Stream<'s, u64>) -> Stream<'s, (u64, u64), Table> {
            let keyed = same(numbers).map(|n| (n % 2, n));
            recent(keyed, secs(5), 3).aggregate_by_key(sum())
        }
    );
}
use inner::*;

stream!(
    #[batch(secs(1))]
    fn staged<
        numbers: Source<u64>,
        out: Sink<(u64, u64)>,
        audit: Sink<u64>,
        halves: Sink<u64>,
        rest: Sink<u64>,
    >(
        of: fn(Stream<'_, u64>) -> Stream<'_, u64>,
    ) {
        let audited = audited(dedup(numbers), &audit);
        summed(self::same::<u64>(audited)).to(out);
        let kept = numbers.window(secs(3), secs(1)).distinct();
        in_a_loop(kept).to(halves);
        of(numbers).to(rest);
    }
);

#[test]
fn stages_are_in_the_plan_with_ids_of_their_own() {
    let operators = staged::<(), (), (), (), ()>::OPERATORS;
    for id in [
        "staged/audited/audited/audit/to",
        "staged/out/summed/recent/window",
        "staged/halves/in_a_loop/all/iterate",
    ] {
        assert!(operators.contains(&id), "{id} is none of {operators:?}");
    }
    let plan = staged::<(), (), (), (), ()>::PLAN;
    assert!(
        plan.contains("stage summed") && plan.contains("stage recent") && !plan.contains('\u{1}'),
        "{plan}"
    );
}
