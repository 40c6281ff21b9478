//! Streams with different rhythms that come together, and windows behind windows.

use std::time::Duration;

use streaming_runtime::prelude::*;

use super::{Shape, Sources, intervals, time, window};
use crate::{
    model::{Batches, Pair},
    records::{add, in_any_order, inner, keys, mix, sums},
};

stream!(
    /// What is renewed at slides with what is new in each batch.
    #[batch(secs(1))]
    fn unions<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        slides_first: Sink<Pair>,
        batches_first: Sink<Pair>,
        two_rhythms: Sink<Pair>,
        kept: Sink<Pair>,
        kept_changes: Sink<(Pair, i64)>,
        kept_other_way: Sink<Pair>,
        kept_other_way_changes: Sink<(Pair, i64)>,
        state: Sink<Pair>,
        state_changes: Sink<(Pair, i64)>,
        windowed: Sink<Pair>,
        windowed_changes: Sink<(Pair, i64)>,
        transformed: Sink<Pair>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
        around: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let slides = b.window(span.0, span.1).reduce_by_key(add);
        let others = a.window(other_span.0, other_span.1).reduce_by_key(add);
        let totals =
            a.update_state(|_, sum: Option<i64>, new| Some(add(sum.unwrap_or(0), in_any_order(new))));
        let totals = totals.allow_unbounded("few keys");
        let mixed = slides.snapshot().union(a);
        mixed.to(slides_first);
        a.union(slides.snapshot()).to(batches_first);
        slides.snapshot().union(others.snapshot()).to(two_rhythms);
        let all_kept = slides.union(totals);
        all_kept.to(kept);
        all_kept.changes().to(kept_changes);
        let all_kept_other_way = totals.union(slides).union(others);
        all_kept_other_way.to(kept_other_way);
        all_kept_other_way.changes().to(kept_other_way_changes);
        let mixes =
            mixed.update_state(|_, sum: Option<i64>, new| Some(mix(sum.unwrap_or(0), in_any_order(new))));
        let all_state = mixes.allow_unbounded("few keys");
        all_state.to(state);
        all_state.changes().to(state_changes);
        let all_windowed = mixed.window(around.0, around.1).reduce_by_key(add);
        all_windowed.to(windowed);
        all_windowed.changes().to(windowed_changes);
        mixed
            .transform(|time, records| [(0, mix(time.as_millis() as i64, records.len() as i64))])
            .to(transformed);
    }
);

/// A window around others: its size and slide are multiples of theirs.
fn around(values: &crate::script::Values) -> (u64, u64) {
    (2 * values.one.1, values.one.1)
}

pub(super) const UNIONS: Shape = Shape {
    name: "unions",
    sources: 2,
    windows: 2,
    kind: Sources::Replaying,
    start: |engine, wires, values| {
        engine.start(unions::Ports {
            a: wires.replays(0),
            b: wires.replays(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            slides_first: wires.out("slides_first"),
            batches_first: wires.out("batches_first"),
            two_rhythms: wires.out("two_rhythms"),
            kept: wires.out("kept"),
            kept_changes: wires.changes("kept"),
            kept_other_way: wires.out("kept_other_way"),
            kept_other_way_changes: wires.changes("kept_other_way"),
            state: wires.out("state"),
            state_changes: wires.changes("state"),
            windowed: wires.out("windowed"),
            windowed_changes: wires.changes("windowed"),
            transformed: wires.out("transformed"),
            span: time(values.one),
            other_span: time(values.other),
            around: time(around(values)),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let slides = window(b, inputs.values.one).each(sums);
        let others = window(a, inputs.values.other).each(sums);
        let totals = a.update_state(&[], None, |_, sum, new| Some(add(sum.unwrap_or(0), in_any_order(new))));
        let mixed = slides.snapshot().union(a);
        expected.put("slides_first", mixed.delivered());
        expected.put("batches_first", a.union(&slides.snapshot()).delivered());
        expected.put("two_rhythms", slides.snapshot().union(&others.snapshot()).delivered());
        expected.put("kept", slides.union(&totals).delivered());
        expected.put("kept_other_way", totals.union(&slides).union(&others).delivered());
        let state = |_, state: Option<i64>, new: &[i64]| Some(mix(state.unwrap_or(0), in_any_order(new)));
        expected.put("state", mixed.update_state(&[], None, state).delivered());
        expected.put("windowed", window(&mixed, around(inputs.values)).each(sums).delivered());
        expected.put("transformed", mixed.each_at(timed).delivered());
    },
};

/// A batch's time and its number of records.
fn timed(time: u64, records: &[Pair]) -> Vec<Pair> {
    vec![(0, mix((time / 1_000_000) as i64, records.len() as i64))]
}

stream!(
    /// Windows of windows, and whole batches shown to functions.
    #[batch(secs(1))]
    fn nested<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        of_windows: Sink<Pair>,
        of_windows_changes: Sink<(Pair, i64)>,
        of_kept: Sink<Pair>,
        transformed: Sink<Pair>,
        of_batches: Sink<Pair>,
        both: Sink<Pair>,
        both_rhythms: Sink<Pair>,
        rhythms_both: Sink<Pair>,
        parts: Sink<Pair>,
    >(
        span: (Duration, Duration),
        around: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let inside = a.window(span.0, span.1);
        let all_of_windows = inside.snapshot().window(around.0, around.1).reduce_by_key(add);
        all_of_windows.to(of_windows);
        all_of_windows.changes().to(of_windows_changes);
        inside.reduce_by_key(add).window(around.0, around.1).to(of_kept);
        inside
            .transform(|time, records| [(0, mix(time.as_millis() as i64, records.len() as i64))])
            .to(transformed);
        a.transform(|time, records| [(0, mix(time.as_millis() as i64, records.len() as i64))]).to(of_batches);
        a.transform_with(b, |_, a, b| [(0, mix(a.len() as i64, b.len() as i64))]).to(both);
        b.transform_with(inside, |_, b, inside| [(0, mix(b.len() as i64, inside.len() as i64))])
            .to(both_rhythms);
        inside
            .transform_with(b, |_, inside, b| [(0, mix(inside.len() as i64, b.len() as i64))])
            .to(rhythms_both);
        inside.map_partitions(2, |part| [(0, part.len() as i64)]).to(parts);
    }
);

pub(super) const NESTED: Shape = Shape {
    name: "nested",
    sources: 2,
    windows: 1,
    kind: Sources::Logged,
    start: |engine, wires, values| {
        engine.start(nested::Ports {
            a: wires.logged(0),
            b: wires.logged(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            of_windows: wires.out("of_windows"),
            of_windows_changes: wires.changes("of_windows"),
            of_kept: wires.out("of_kept"),
            transformed: wires.out("transformed"),
            of_batches: wires.out("of_batches"),
            both: wires.out("both"),
            both_rhythms: wires.out("both_rhythms"),
            rhythms_both: wires.out("rhythms_both"),
            parts: wires.out("parts"),
            span: time(values.one),
            around: time(around(values)),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let inside = window(a, inputs.values.one);
        let around = around(inputs.values);
        let of = |batches: &Batches<Pair>| batches.window(intervals(around.0), intervals(around.1));
        expected.put("of_windows", of(&inside.snapshot()).each(sums).delivered());
        expected.put("of_kept", of(&inside.each(sums).snapshot()).delivered());
        expected.put("transformed", inside.snapshot().each_at(timed).delivered());
        expected.put("of_batches", a.each_at(timed).delivered());
        let lengths = |a: &[Pair], b: &[Pair]| vec![(0, mix(a.len() as i64, b.len() as i64))];
        expected.put("both", a.both(b, lengths).delivered());
        expected.put("both_rhythms", b.both(&inside.snapshot(), lengths).delivered());
        expected.put("rhythms_both", inside.snapshot().both(b, lengths).delivered());
        let parts = inside.each(|records| {
            let half = records.len() / 2;
            vec![(0, half as i64), (0, (records.len() - half) as i64)]
        });
        expected.put("parts", parts.delivered());
    },
};

/// Sums and their keys' number, as a user's own operator.
trait Totals<'s> {
    /// Sums of a window that is cut from sums.
    fn totals(self, window: (Duration, Duration)) -> Stream<'s, Pair, streaming_runtime::kinds::Table>;
}

impl<'s> Totals<'s> for Stream<'s, Pair> {
    fn totals(
        self,
        (size, slide): (Duration, Duration),
    ) -> Stream<'s, Pair, streaming_runtime::kinds::Table> {
        self.window(size, slide).reduce_by_key(add)
    }
}

stream!(
    /// Several windows of shared panes, split streams, helpers.
    #[batch(secs(1))]
    fn shared<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        short: Sink<Pair>,
        short_changes: Sink<(Pair, i64)>,
        long: Sink<Pair>,
        long_changes: Sink<(Pair, i64)>,
        high: Sink<Pair>,
        high_changes: Sink<(Pair, i64)>,
        low: Sink<Pair>,
        low_changes: Sink<(Pair, i64)>,
        again: Sink<Pair>,
        again_changes: Sink<(Pair, i64)>,
        united: Sink<Pair>,
        united_changes: Sink<(Pair, i64)>,
        joined: Sink<Pair>,
        number: Sink<Pair>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        b.to(tap_b);
        let panes = a.reduce_by_key(add);
        let totals = panes.totals(span);
        totals.to(short);
        totals.changes().to(short_changes);
        let wider = panes.window(other_span.0, other_span.1).reduce_by_key(add);
        wider.to(long);
        wider.changes().to(long_changes);
        let (above, below) = totals.split(|&(_, value)| value > 0);
        above.to(high);
        above.changes().to(high_changes);
        let all_low = below.union(below.map_values(|value| -value));
        all_low.to(low);
        all_low.changes().to(low_changes);
        let all_again = above.union(below);
        all_again.to(again);
        all_again.changes().to(again_changes);
        let all_united = a.window(span.0, span.1).union(b.window(span.0, span.1));
        all_united.to(united);
        all_united.changes().to(united_changes);
        panes.join(b).map_values(|(a, b)| mix(a, b)).to(joined);
        totals.snapshot().map(|(key, _)| (key, 1)).reduce_by_key(add).count().map(|n| (0, n)).to(number);
    }
);

pub(super) const SHARED: Shape = Shape {
    name: "shared",
    sources: 2,
    windows: 2,
    kind: Sources::Paced,
    start: |engine, wires, values| {
        engine.start(shared::Ports {
            a: wires.paced(0),
            b: wires.paced(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            short: wires.out("short"),
            short_changes: wires.changes("short"),
            long: wires.out("long"),
            long_changes: wires.changes("long"),
            high: wires.out("high"),
            high_changes: wires.changes("high"),
            low: wires.out("low"),
            low_changes: wires.changes("low"),
            again: wires.out("again"),
            again_changes: wires.changes("again"),
            united: wires.out("united"),
            united_changes: wires.changes("united"),
            joined: wires.out("joined"),
            number: wires.out("number"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let totals = window(a, inputs.values.one).each(sums);
        expected.put("short", totals.delivered());
        expected.put("long", window(a, inputs.values.other).each(sums).delivered());
        expected.put("high", totals.filter(|pair| pair.1 > 0).delivered());
        let below = totals.filter(|pair| pair.1 <= 0);
        expected.put("low", below.union(&below.map(|pair| (pair.0, -pair.1))).delivered());
        expected.put("again", totals.delivered());
        expected.put("united", window(&a.union(b), inputs.values.one).delivered());
        expected.put("joined", a.each(sums).join(b, inner).delivered());
        let number = totals.each(|records| vec![(0, keys(records).len() as i64)]);
        expected.put("number", number.delivered());
    },
};
