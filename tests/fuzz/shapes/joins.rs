//! Joins: of windows, of batches with what is kept, and of what is kept.

use std::time::Duration;

use streaming_runtime::{
    aggregate::{first, last},
    prelude::*,
};

use super::{Shape, Sources, time, window};
use crate::{
    model::Pair,
    records::{
        add, anti, by_key, cogroup, distinct, full, in_any_order, in_order, inner, left, mix, mix_some,
        right, semi, sums,
    },
};

stream!(
    /// Windows of equal and of different slides.
    #[batch(secs(1))]
    fn window_joins<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        same: Sink<Pair>,
        same_changes: Sink<(Pair, i64)>,
        inners: Sink<Pair>,
        inners_changes: Sink<(Pair, i64)>,
        lefts: Sink<Pair>,
        lefts_changes: Sink<(Pair, i64)>,
        rights: Sink<Pair>,
        rights_changes: Sink<(Pair, i64)>,
        fulls: Sink<Pair>,
        fulls_changes: Sink<(Pair, i64)>,
        groups: Sink<Pair>,
        groups_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let one = a.window(span.0, span.1);
        let other = b.window(other_span.0, other_span.1);
        let all_same = one.join(b.window(other_span.0, span.1)).map_values(|(a, b)| mix(a, b));
        all_same.to(same);
        all_same.changes().to(same_changes);
        let all_inners = one.join(other).map_values(|(a, b)| mix(a, b));
        all_inners.to(inners);
        all_inners.changes().to(inners_changes);
        let all_lefts = one.left_join(other).map_values(|(a, b)| mix_some(Some(a), b));
        all_lefts.to(lefts);
        all_lefts.changes().to(lefts_changes);
        let all_rights = one.right_join(other).map_values(|(a, b)| mix_some(a, Some(b)));
        all_rights.to(rights);
        all_rights.changes().to(rights_changes);
        let all_fulls = one.full_join(other).map_values(|(a, b)| mix_some(a, b));
        all_fulls.to(fulls);
        all_fulls.changes().to(fulls_changes);
        let all_groups = one.cogroup(other).map_values(|(a, b)| mix(in_any_order(&a), in_any_order(&b)));
        all_groups.to(groups);
        all_groups.changes().to(groups_changes);
    }
);

pub(super) const WINDOW_JOINS: Shape = Shape {
    name: "window_joins",
    sources: 2,
    windows: 2,
    kind: Sources::Replaying,
    start: |engine, wires, values| {
        engine.start(window_joins::Ports {
            a: wires.replays(0),
            b: wires.replays(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            same: wires.out("same"),
            same_changes: wires.changes("same"),
            inners: wires.out("inners"),
            inners_changes: wires.changes("inners"),
            lefts: wires.out("lefts"),
            lefts_changes: wires.changes("lefts"),
            rights: wires.out("rights"),
            rights_changes: wires.changes("rights"),
            fulls: wires.out("fulls"),
            fulls_changes: wires.changes("fulls"),
            groups: wires.out("groups"),
            groups_changes: wires.changes("groups"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let (one, other) = (window(a, inputs.values.one), window(b, inputs.values.other));
        let same = window(b, (inputs.values.other.0, inputs.values.one.1));
        expected.put("same", one.both(&same, inner).delivered());
        expected.put("inners", one.both(&other, inner).delivered());
        expected.put("lefts", one.both(&other, left).delivered());
        expected.put("rights", one.both(&other, right).delivered());
        expected.put("fulls", one.both(&other, full).delivered());
        expected.put("groups", one.both(&other, cogroup).delivered());
    },
};

stream!(
    /// Batches with what is kept, from both sides.
    #[batch(secs(1))]
    fn lookups<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        in_window: Sink<Pair>,
        window_in: Sink<Pair>,
        in_history: Sink<Pair>,
        history_in: Sink<Pair>,
        in_sums: Sink<Pair>,
        sums_in: Sink<Pair>,
        lacking: Sink<Pair>,
        known: Sink<Pair>,
        in_snapshot: Sink<Pair>,
        snapshot_in: Sink<Pair>,
        outer_snapshot: Sink<Pair>,
    >(
        span: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let window = b.window(span.0, span.1);
        let sums = window.reduce_by_key(add);
        let all = b.history().allow_unbounded("a test");
        a.left_join(window).map_values(|(a, b)| mix_some(Some(a), b)).to(in_window);
        window.join(a).map_values(|(b, a)| mix(b, a)).to(window_in);
        a.join(all).map_values(|(a, b)| mix(a, b)).to(in_history);
        all.full_join(a).map_values(|(b, a)| mix_some(b, a)).to(history_in);
        a.left_join(sums).map_values(|(a, b)| mix_some(Some(a), b)).to(in_sums);
        sums.right_join(a).map_values(|(b, a)| mix_some(b, Some(a))).to(sums_in);
        a.antijoin(window.map(|(key, _)| key)).to(lacking);
        a.semijoin(sums.map(|(key, _)| key)).to(known);
        let snapshot = sums.snapshot();
        a.join(snapshot).map_values(|(a, b)| mix(a, b)).to(in_snapshot);
        snapshot.join(a).map_values(|(b, a)| mix(b, a)).to(snapshot_in);
        snapshot.full_join(a).map_values(|(b, a)| mix_some(b, a)).to(outer_snapshot);
    }
);

pub(super) const LOOKUPS: Shape = Shape {
    name: "lookups",
    sources: 2,
    windows: 1,
    kind: Sources::Logged,
    start: |engine, wires, values| {
        engine.start(lookups::Ports {
            a: wires.logged(0),
            b: wires.logged(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            in_window: wires.out("in_window"),
            window_in: wires.out("window_in"),
            in_history: wires.out("in_history"),
            history_in: wires.out("history_in"),
            in_sums: wires.out("in_sums"),
            sums_in: wires.out("sums_in"),
            lacking: wires.out("lacking"),
            known: wires.out("known"),
            in_snapshot: wires.out("in_snapshot"),
            snapshot_in: wires.out("snapshot_in"),
            outer_snapshot: wires.out("outer_snapshot"),
            span: time(values.one),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let window = window(b, inputs.values.one);
        let of_window = window.each(sums);
        let all = b.history();
        expected.put("in_window", a.with(&window, left).delivered());
        expected.put("window_in", a.with(&window, |a, window| inner(window, a)).delivered());
        expected.put("in_history", a.with(&all, inner).delivered());
        expected.put("history_in", a.with(&all, |a, all| full(all, a)).delivered());
        expected.put("in_sums", a.with(&of_window, left).delivered());
        expected.put("sums_in", a.with(&of_window, |a, sums| right(sums, a)).delivered());
        expected.put("lacking", a.with(&window, anti).delivered());
        expected.put("known", a.with(&of_window, semi).delivered());
        let snapshot = of_window.snapshot();
        expected.put("in_snapshot", a.join(&snapshot, inner).delivered());
        expected.put("snapshot_in", snapshot.join(a, inner).delivered());
        expected.put("outer_snapshot", snapshot.join(a, full).delivered());
    },
};

stream!(
    /// What is kept with what is kept.
    #[batch(secs(1))]
    fn kept_joins<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        inners: Sink<Pair>,
        inners_changes: Sink<(Pair, i64)>,
        fulls: Sink<Pair>,
        fulls_changes: Sink<(Pair, i64)>,
        with_state: Sink<Pair>,
        with_state_changes: Sink<(Pair, i64)>,
        with_history: Sink<Pair>,
        with_history_changes: Sink<(Pair, i64)>,
        semis: Sink<Pair>,
        semis_changes: Sink<(Pair, i64)>,
        antis: Sink<Pair>,
        antis_changes: Sink<(Pair, i64)>,
        groups: Sink<Pair>,
        groups_changes: Sink<(Pair, i64)>,
        behind: Sink<Pair>,
        behind_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let one = a.window(span.0, span.1).distinct();
        let other = b.window(other_span.0, other_span.1).reduce_by_key(add);
        let totals =
            b.update_state(|_, sum: Option<i64>, new| Some(add(sum.unwrap_or(0), in_any_order(new))));
        let totals = totals.allow_unbounded("few keys");
        let all_inners = one.join(other).map_values(|(a, b)| mix(a, b));
        all_inners.to(inners);
        all_inners.changes().to(inners_changes);
        let all_fulls = other.full_join(one).map_values(|(b, a)| mix_some(b, a));
        all_fulls.to(fulls);
        all_fulls.changes().to(fulls_changes);
        let all_with_state = one.left_join(totals).map_values(|(a, b)| mix_some(Some(a), b));
        all_with_state.to(with_state);
        all_with_state.changes().to(with_state_changes);
        let all_with_history =
            a.history().allow_unbounded("a test").join(other).map_values(|(a, b)| mix(a, b));
        all_with_history.to(with_history);
        all_with_history.changes().to(with_history_changes);
        let all_semis = a.window(span.0, span.1).semijoin(other.map(|(key, _)| key));
        all_semis.to(semis);
        all_semis.changes().to(semis_changes);
        let all_antis = totals.antijoin(one.map(|(key, _)| key));
        all_antis.to(antis);
        all_antis.changes().to(antis_changes);
        let all_groups = one.cogroup(other).map_values(|(a, b)| mix(in_any_order(&a), in_any_order(&b)));
        all_groups.to(groups);
        all_groups.changes().to(groups_changes);
        let all_behind = one.join(totals).map_values(|(a, b)| mix(a, b)).reduce_by_key(add);
        all_behind.to(behind);
        all_behind.changes().to(behind_changes);
    }
);

pub(super) const KEPT_JOINS: Shape = Shape {
    name: "kept_joins",
    sources: 2,
    windows: 2,
    kind: Sources::Paced,
    start: |engine, wires, values| {
        engine.start(kept_joins::Ports {
            a: wires.paced(0),
            b: wires.paced(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            inners: wires.out("inners"),
            inners_changes: wires.changes("inners"),
            fulls: wires.out("fulls"),
            fulls_changes: wires.changes("fulls"),
            with_state: wires.out("with_state"),
            with_state_changes: wires.changes("with_state"),
            with_history: wires.out("with_history"),
            with_history_changes: wires.changes("with_history"),
            semis: wires.out("semis"),
            semis_changes: wires.changes("semis"),
            antis: wires.out("antis"),
            antis_changes: wires.changes("antis"),
            groups: wires.out("groups"),
            groups_changes: wires.changes("groups"),
            behind: wires.out("behind"),
            behind_changes: wires.changes("behind"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let one = window(a, inputs.values.one).each(distinct);
        let other = window(b, inputs.values.other).each(sums);
        let totals = b.update_state(&[], None, |_, sum, new| Some(add(sum.unwrap_or(0), in_any_order(new))));
        expected.put("inners", one.both(&other, inner).delivered());
        expected.put("fulls", other.both(&one, full).delivered());
        expected.put("with_state", one.both(&totals, left).delivered());
        expected.put("with_history", a.history().both(&other, inner).delivered());
        expected.put("semis", window(a, inputs.values.one).both(&other, semi).delivered());
        expected.put("antis", totals.both(&one, anti).delivered());
        expected.put("groups", one.both(&other, cogroup).delivered());
        expected.put("behind", one.both(&totals, inner).each(sums).delivered());
    },
};

/// A state of which the next depends on its values, whatever their order.
fn counted(state: Option<i64>, values: &[i64]) -> Option<i64> {
    Some(mix(state.unwrap_or(1), in_any_order(values)))
}

stream!(
    /// States and orders behind joins behind windows.
    #[batch(secs(1))]
    fn behind_joins<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        ends: Sink<Pair>,
        ends_changes: Sink<(Pair, i64)>,
        ends_of_all: Sink<Pair>,
        ends_of_all_changes: Sink<(Pair, i64)>,
        state: Sink<Pair>,
        state_changes: Sink<(Pair, i64)>,
        looked_up: Sink<Pair>,
        looked_up_changes: Sink<(Pair, i64)>,
        number: Sink<Pair>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let one = a.window(span.0, span.1);
        let other = b.window(other_span.0, other_span.1);
        let all_ends = one
            .semijoin(other.map(|(key, _)| key))
            .aggregate_by_key((first(), last()))
            .map_values(|(first, last)| mix(first, last));
        all_ends.to(ends);
        all_ends.changes().to(ends_changes);
        let all_ends_of_all = one.antijoin(other.distinct().map(|(key, _)| key)).group_by_key();
        let all_ends_of_all = all_ends_of_all.map_values(|values| in_order(&values));
        all_ends_of_all.to(ends_of_all);
        all_ends_of_all.changes().to(ends_of_all_changes);
        let joined = one.join(other).map_values(|(a, b)| mix(a, b));
        let all_state =
            joined.update_state(|_, state, values| counted(state, values)).allow_unbounded("few keys");
        all_state.to(state);
        all_state.changes().to(state_changes);
        let all_looked_up = a.join(other.reduce_by_key(add)).map_values(|(a, b)| mix(a, b));
        let all_looked_up =
            all_looked_up.update_state(|_, state, values| counted(state, values)).allow_unbounded("few keys");
        all_looked_up.to(looked_up);
        all_looked_up.changes().to(looked_up_changes);
        joined.count().map(|n| (0, n)).to(number);
    }
);

pub(super) const BEHIND_JOINS: Shape = Shape {
    name: "behind_joins",
    sources: 2,
    windows: 2,
    kind: Sources::Replaying,
    start: |engine, wires, values| {
        engine.start(behind_joins::Ports {
            a: wires.replays(0),
            b: wires.replays(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            ends: wires.out("ends"),
            ends_changes: wires.changes("ends"),
            ends_of_all: wires.out("ends_of_all"),
            ends_of_all_changes: wires.changes("ends_of_all"),
            state: wires.out("state"),
            state_changes: wires.changes("state"),
            looked_up: wires.out("looked_up"),
            looked_up_changes: wires.changes("looked_up"),
            number: wires.out("number"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let (one, other) = (window(a, inputs.values.one), window(b, inputs.values.other));
        let ends = |values: &[i64]| mix(values[0], values[values.len() - 1]);
        expected.put("ends", one.both(&other, semi).each(|records| by_key(records, ends)).delivered());
        let of_all = one.both(&other, anti).each(|records| by_key(records, |values| in_order(values)));
        expected.put("ends_of_all", of_all.delivered());
        let joined = one.both(&other, inner);
        let states = joined.snapshot().update_state(&[], None, |_, state, values| counted(state, values));
        expected.put("state", states.delivered());
        let looked_up = a.with(&other.each(sums), inner);
        let states = looked_up.update_state(&[], None, |_, state, values| counted(state, values));
        expected.put("looked_up", states.delivered());
        expected.put("number", joined.each(|records| vec![(0, records.len() as i64)]).delivered());
    },
};
