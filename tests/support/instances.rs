//! Pipelines that no test runs. What they instantiate for the records of most tests is compiled here once: without
//! optimisation, rustc takes an instance of generic code from a dependency that has one. A target of the tests has a tenth to
//! a third less to compile by it.

use streaming_runtime::{
    ManualClock, StartError,
    connect::{channel, collect, queue},
    prelude::*,
};

use crate::{Lasting, Pair};

stream!(
    /// What gathers, joins and keeps pairs.
    #[batch(secs(1))]
    fn of_pairs<
        pairs: Source<Pair>,
        others: Source<Pair>,
        passed: Sink<Pair>,
        sums: Sink<Pair>,
        changes: Sink<(Pair, i64)>,
        largest: Sink<i64>,
        groups: Sink<(u8, Vec<i64>)>,
        joined: Sink<(u8, (i64, i64))>,
        left: Sink<(u8, (i64, Option<i64>))>,
        kept_join: Sink<(u8, (i64, i64))>,
        grouped: Sink<(u8, (Vec<i64>, Vec<i64>))>,
        states: Sink<Pair>,
        mapped: Sink<Pair>,
    >() {
        pairs.to(passed);
        pairs.reduce_by_key(|a, b| a + b).to(sums);
        let window = pairs.window(secs(2), secs(1));
        window.changes().to(changes);
        window.map(|(_, value)| value).reduce(i64::max).to(largest);
        window.group_by_key().to(groups);
        let other = others.window(secs(3), secs(1));
        window.join(other).to(joined);
        window.left_join(other).to(left);
        window.cogroup(other).to(grouped);
        let latest = others.history().allow_unbounded("it never runs").reduce_by_key(|_, new| new);
        latest.join(other.distinct()).to(kept_join);
        let totals = pairs.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.len() as i64));
        totals.allow_unbounded("it never runs").to(states);
        let (emitted, _) = others.map_with_state(idle_for(secs(1)), |key, value, state| {
            state.update(value.unwrap_or(0));
            value.map(|value| (*key, value))
        });
        emitted.to(mapped);
    }
);

stream!(
    /// Numbers and lines as they come.
    #[batch(secs(1))]
    fn of_others<
        numbers: Source<i64>,
        counts: Source<u64>,
        lines: Source<String>,
        out: Sink<i64>,
        counted: Sink<u64>,
        copied: Sink<String>,
    >() {
        numbers.to(out);
        counts.to(counted);
        lines.to(copied);
    }
);

/// Starts them on the connectors of most tests.
pub fn instances() -> Result<(), StartError> {
    let engine = Engine::new().manual_clock(&ManualClock::new());
    let (passed, _) = collect();
    let (changes, _) = collect();
    let (largest, _) = collect();
    let (groups, _) = collect();
    let (joined, _) = collect();
    let (left, _) = collect();
    let (grouped, _) = collect();
    let (states, _) = collect();
    let kept = Lasting::default;
    let of_pairs = engine.start(of_pairs::Ports {
        pairs: queue(vec![]),
        others: channel(1).1,
        passed,
        sums: kept(),
        changes,
        largest,
        groups,
        joined,
        left,
        kept_join: kept(),
        grouped,
        states,
        mapped: kept(),
    })?;
    let ((out, _), (counted, _), (copied, _)) = (collect(), collect(), collect());
    let (numbers, counts, lines) = (queue(vec![]), channel(1).1, queue(vec![]));
    let of_others = engine.start(of_others::Ports { numbers, counts, lines, out, counted, copied })?;
    drop((of_pairs, of_others));
    Ok(())
}
