//! States by key, and histories.

use std::time::Duration;

use streaming_runtime::{
    aggregate::{last, max},
    prelude::*,
};

use super::{Shape, Sources, intervals, time, window};
use crate::{
    model::Pair,
    records::{add, by_key, distinct, in_order, mix, most, sums},
};

/// A state of which the next depends on all that a function is given; one in five is dropped.
fn updated(key: u8, state: Option<i64>, values: &[i64]) -> Option<i64> {
    let new = mix(state.unwrap_or(i64::from(key)), in_order(values));
    (new % 5 != 0).then_some(new)
}

stream!(
    /// States that each batch brings up to date, for ever and until they are idle, of batches and of windows.
    #[batch(secs(1))]
    fn update_state<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        lasting: Sink<Pair>,
        lasting_changes: Sink<(Pair, i64)>,
        forgotten: Sink<Pair>,
        forgotten_changes: Sink<(Pair, i64)>,
        of_windows: Sink<Pair>,
        of_windows_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
        idle: Duration,
        initial: Vec<Pair>,
    ) {
        a.to(tap_a);
        let states =
            a.update_state(|key, state, values| updated(*key, state, values)).allow_unbounded("few keys");
        states.to(lasting);
        states.changes().to(lasting_changes);
        let all_forgotten = a
            .update_state_with(initial.clone(), |_, key, state, values| updated(*key, state, values))
            .expire_after(idle);
        all_forgotten.to(forgotten);
        all_forgotten.changes().to(forgotten_changes);
        let all_of_windows = a
            .window(span.0, span.1)
            .reduce_by_key(add)
            .update_state_with(initial, |_, key, state, values| updated(*key, state, values))
            .allow_unbounded("few keys");
        all_of_windows.to(of_windows);
        all_of_windows.changes().to(of_windows_changes);
    }
);

pub(super) const UPDATE_STATE: Shape = Shape {
    name: "update_state",
    sources: 1,
    windows: 1,
    kind: Sources::Logged,
    start: |engine, wires, values| {
        engine.start(update_state::Ports {
            a: wires.logged(0),
            tap_a: wires.tap(0),
            lasting: wires.out("lasting"),
            lasting_changes: wires.changes("lasting"),
            forgotten: wires.out("forgotten"),
            forgotten_changes: wires.changes("forgotten"),
            of_windows: wires.out("of_windows"),
            of_windows_changes: wires.changes("of_windows"),
            span: time(values.one),
            idle: secs(values.idle),
            initial: values.initial.clone(),
        })
    },
    model: |inputs, expected| {
        let (a, values) = (&inputs.sources[0], inputs.values);
        expected.put("lasting", a.update_state(&[], None, updated).delivered());
        let idle = Some(intervals(values.idle));
        expected.put("forgotten", a.update_state(&values.initial, idle, updated).delivered());
        let windows = window(a, values.one).each(sums).snapshot();
        expected.put("of_windows", windows.update_state(&values.initial, None, updated).delivered());
    },
};

/// What is said of a value, and the state that it leaves: every fifth is removed.
fn mapped(key: u8, value: Option<i64>, state: &mut Option<i64>) -> Option<Pair> {
    let Some(value) = value else { return Some((key, mix(state.unwrap_or(0), 1_000_003))) };
    let new = mix(state.unwrap_or(i64::from(key)), value);
    *state = (new % 5 != 0).then_some(new);
    (value % 3 != 0).then_some((key, new))
}

/// [`mapped`] on the engine's own state.
fn mapping(key: u8, value: Option<i64>, known: &mut KeyState<i64>) -> Option<Pair> {
    let before = known.get().copied();
    let mut state = before;
    let said = mapped(key, value, &mut state);
    if !known.is_timing_out() {
        match state {
            Some(state) => known.update(state),
            None if before.is_some() => known.remove(),
            None => {}
        }
    }
    said
}

stream!(
    /// What a function says of each record and its key's state, with and without time-outs.
    #[batch(secs(1))]
    fn map_with_state<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        said: Sink<Pair>,
        states: Sink<Pair>,
        states_changes: Sink<(Pair, i64)>,
        lasting_said: Sink<Pair>,
        lasting: Sink<Pair>,
        lasting_changes: Sink<(Pair, i64)>,
        of_windows_said: Sink<Pair>,
        of_windows: Sink<Pair>,
        of_windows_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
        idle: Duration,
        initial: Vec<Pair>,
    ) {
        a.to(tap_a);
        let (emitted, kept) =
            a.map_with_state_from(idle_for(idle), initial.clone(), |_, key, value, state| {
                mapping(*key, value, state)
            });
        emitted.to(said);
        kept.to(states);
        kept.changes().to(states_changes);
        let (all_emitted, all_kept) =
            a.map_with_state(unbounded("few keys"), |key, value, state| mapping(*key, value, state));
        all_emitted.to(lasting_said);
        all_kept.to(lasting);
        all_kept.changes().to(lasting_changes);
        let sums = a.window(span.0, span.1).reduce_by_key(add);
        let (slides_emitted, slides_kept) =
            sums.map_with_state_from(idle_for(idle), initial, |_, key, value, state| {
                mapping(*key, value, state)
            });
        slides_emitted.to(of_windows_said);
        slides_kept.to(of_windows);
        slides_kept.changes().to(of_windows_changes);
    }
);

pub(super) const MAP_WITH_STATE: Shape = Shape {
    name: "map_with_state",
    sources: 1,
    windows: 1,
    kind: Sources::Replaying,
    start: |engine, wires, values| {
        engine.start(map_with_state::Ports {
            a: wires.replays(0),
            tap_a: wires.tap(0),
            said: wires.out("said"),
            states: wires.out("states"),
            states_changes: wires.changes("states"),
            lasting_said: wires.out("lasting_said"),
            lasting: wires.out("lasting"),
            lasting_changes: wires.changes("lasting"),
            of_windows_said: wires.out("of_windows_said"),
            of_windows: wires.out("of_windows"),
            of_windows_changes: wires.changes("of_windows"),
            span: time(values.one),
            idle: secs(values.idle),
            initial: values.initial.clone(),
        })
    },
    model: |inputs, expected| {
        let (a, values) = (&inputs.sources[0], inputs.values);
        let idle = Some(intervals(values.idle));
        let (said, states) = a.map_with_state(&values.initial, idle, mapped);
        expected.put("said", said.delivered());
        expected.put("states", states.delivered());
        let (said, states) = a.map_with_state(&[], None, mapped);
        expected.put("lasting_said", said.delivered());
        expected.put("lasting", states.delivered());
        let windows = window(a, values.one).each(sums).snapshot();
        let (said, states) = windows.map_with_state(&values.initial, idle, mapped);
        expected.put("of_windows_said", said.delivered());
        expected.put("of_windows", states.delivered());
    },
};

stream!(
    /// What all that ever came makes.
    #[batch(secs(1))]
    fn history<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        all: Sink<Pair>,
        all_changes: Sink<(Pair, i64)>,
        totals: Sink<Pair>,
        totals_changes: Sink<(Pair, i64)>,
        latest: Sink<Pair>,
        latest_changes: Sink<(Pair, i64)>,
        ever_most: Sink<Pair>,
        ever_most_changes: Sink<(Pair, i64)>,
        once: Sink<Pair>,
        once_changes: Sink<(Pair, i64)>,
        number: Sink<Pair>,
        of_slides: Sink<Pair>,
        of_slides_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let both = a.history().union(b.history()).allow_unbounded("a test");
        both.to(all);
        both.changes().to(all_changes);
        let of_a = a.history().allow_unbounded("a test");
        let all_totals = both.reduce_by_key(add);
        all_totals.to(totals);
        all_totals.changes().to(totals_changes);
        let all_latest = of_a.aggregate_by_key(last());
        all_latest.to(latest);
        all_latest.changes().to(latest_changes);
        let all_ever_most = both.aggregate_by_key(max());
        all_ever_most.to(ever_most);
        all_ever_most.changes().to(ever_most_changes);
        let all_once = both.distinct();
        all_once.to(once);
        all_once.changes().to(once_changes);
        of_a.count().map(|n| (0, n)).to(number);
        let sums = a.window(span.0, span.1).reduce_by_key(add).snapshot();
        let all_of_slides = sums.history().allow_unbounded("a test").reduce_by_key(add);
        all_of_slides.to(of_slides);
        all_of_slides.changes().to(of_slides_changes);
    }
);

pub(super) const HISTORY: Shape = Shape {
    name: "history",
    sources: 2,
    windows: 1,
    kind: Sources::Logged,
    start: |engine, wires, values| {
        engine.start(history::Ports {
            a: wires.logged(0),
            b: wires.logged(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            all: wires.out("all"),
            all_changes: wires.changes("all"),
            totals: wires.out("totals"),
            totals_changes: wires.changes("totals"),
            latest: wires.out("latest"),
            latest_changes: wires.changes("latest"),
            ever_most: wires.out("ever_most"),
            ever_most_changes: wires.changes("ever_most"),
            once: wires.out("once"),
            once_changes: wires.changes("once"),
            number: wires.out("number"),
            of_slides: wires.out("of_slides"),
            of_slides_changes: wires.changes("of_slides"),
            span: time(values.one),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let both = a.union(b).history();
        expected.put("all", both.delivered());
        expected.put("totals", both.each(sums).delivered());
        let latest = |values: &[i64]| values[values.len() - 1];
        expected.put("latest", a.history().each(|records| by_key(records, latest)).delivered());
        expected.put("ever_most", both.each(|records| by_key(records, most)).delivered());
        expected.put("once", both.each(distinct).delivered());
        expected.put("number", a.history().each(|records| vec![(0, records.len() as i64)]).delivered());
        let slides = window(a, inputs.values.one).each(sums).snapshot();
        expected.put("of_slides", slides.history().each(sums).delivered());
    },
};
