//! States of keys, and windows that are read as they are.

use streaming_runtime::{
    Pipeline,
    connect::{durable, queue},
    prelude::*,
};
use support::Lasting;

use crate::{
    run::batches,
    types::{Day, Pair, line},
};

stream!(
    #[batch(secs(1))]
    pub fn states<pairs: Source<Pair>, logged: Source<Pair>, out: Sink<String>>(known: Vec<Pair>) {
        let totals = pairs
            .update_state(|_, total: Option<i64>, new: &[i64]| {
                Some(total.unwrap_or(0) + new.iter().sum::<i64>())
            })
            .allow_unbounded("a test");
        let days = pairs
            .update_state(|_, day: Option<Day>, new: &[i64]| new.last().map(|n| Day::of(*n)).or(day))
            .expire_after(secs(4));
        let begun = pairs
            .update_state_with(known, |_, _, state: Option<i64>, new: &[i64]| {
                Some(state.unwrap_or(0) + new.len() as i64)
            })
            .expire_after(secs(4));
        let one = totals.snapshot().map(line("totals")).union(days.snapshot().map(line("days")));
        let updated = one.union(begun.snapshot().map(line("begun")));

        let (emitted, snapshots) = pairs.map_with_state(idle_for(secs(3)), |key, value, state| {
            let sum: i64 = state.get().copied().unwrap_or(0_i64) + value.unwrap_or(0);
            if !state.is_timing_out() {
                state.update(sum);
            }
            Some((*key, sum))
        });
        let mapped = emitted.map(line("emitted")).union(snapshots.snapshot().map(line("snapshots")));

        let recent = pairs.window(secs(3), secs(1));
        let all = logged.history().allow_unbounded("a test");
        let recent_days = pairs.map_values(Day::of).window(secs(2), secs(1));
        let snapshot = recent.snapshot().map(line("recent"));
        let history = all.snapshot().map(line("all"));
        let day_snapshot = recent_days.snapshot().map(line("recent days"));

        updated.union(mapped).union(snapshot).union(history).union(day_snapshot).to(out);
    }
);

pub(crate) fn program(out: Lasting) -> impl Pipeline {
    let known = vec![(0, 100), (2, 200)];
    states::Ports { pairs: queue(batches(1)), logged: durable(queue(batches(2))), out, known }
}
