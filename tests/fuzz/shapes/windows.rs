//! Windows, and what is made of each.

use std::time::Duration;

use streaming_runtime::{
    aggregate::{count, count_distinct, first, last, max, min, sum, top_k},
    prelude::*,
};

use super::{Shape, Sources, intervals, time, window};
use crate::{
    model::{Pair, Time},
    records::{
        add, by_key as of_groups, distinct, in_order, largest, least, mix, most, subtract, sum as sum_of,
        sums,
    },
};

stream!(
    /// Sums by key of batches and of windows that tumble, hop and leave gaps.
    #[batch(secs(1))]
    fn by_key<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        of_batch: Sink<Pair>,
        one: Sink<Pair>,
        one_changes: Sink<(Pair, i64)>,
        other: Sink<Pair>,
        other_changes: Sink<(Pair, i64)>,
        records: Sink<Pair>,
        records_changes: Sink<(Pair, i64)>,
        invertible: Sink<Pair>,
        invertible_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        a.reduce_by_key(add).to(of_batch);
        let window = a.window(span.0, span.1);
        let all_one = window.reduce_by_key(add);
        all_one.to(one);
        all_one.changes().to(one_changes);
        let all_other = a.window(other_span.0, other_span.1).reduce_by_key(add);
        all_other.to(other);
        all_other.changes().to(other_changes);
        window.to(records);
        window.changes().to(records_changes);
        let all_invertible = window.aggregate_by_key(sum());
        all_invertible.to(invertible);
        all_invertible.changes().to(invertible_changes);
    }
);

pub(super) const BY_KEY: Shape = Shape {
    name: "by_key",
    sources: 1,
    windows: 2,
    kind: Sources::Logged,
    start: |engine, wires, values| {
        engine.start(by_key::Ports {
            a: wires.logged(0),
            tap_a: wires.tap(0),
            of_batch: wires.out("of_batch"),
            one: wires.out("one"),
            one_changes: wires.changes("one"),
            other: wires.out("other"),
            other_changes: wires.changes("other"),
            records: wires.out("records"),
            records_changes: wires.changes("records"),
            invertible: wires.out("invertible"),
            invertible_changes: wires.changes("invertible"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let a = &inputs.sources[0];
        let one = window(a, inputs.values.one);
        expected.put("of_batch", a.each(sums).delivered());
        expected.put("one", one.each(sums).delivered());
        expected.put("invertible", one.each(sums).delivered());
        expected.put("records", one.delivered());
        expected.put("other", window(a, inputs.values.other).each(sums).delivered());
    },
};

stream!(
    /// Sums that what leaves is taken from, and how long a key outlives its window.
    #[batch(secs(1))]
    fn inverse<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        lasting: Sink<Pair>,
        lasting_changes: Sink<(Pair, i64)>,
        shown: Sink<Pair>,
        shown_changes: Sink<(Pair, i64)>,
        total: Sink<Pair>,
        total_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
        idle: Duration,
    ) {
        a.to(tap_a);
        let window = a.window(span.0, span.1);
        let all_lasting = window.reduce_by_key_with_inverse(add, subtract).expire_after(idle);
        all_lasting.to(lasting);
        all_lasting.changes().to(lasting_changes);
        let all_shown = window.reduce_by_key_with_inverse_and_filter(add, subtract, |&(_, sum)| sum % 3 != 0);
        all_shown.to(shown);
        all_shown.changes().to(shown_changes);
        let all_total = window
            .map(|(_, value)| value)
            .reduce_with_inverse(add, subtract)
            .allow_unbounded("one number")
            .map(|sum| (0, sum));
        all_total.to(total);
        all_total.changes().to(total_changes);
    }
);

/// How long a key is remembered: longer than the window, so that it is the time since it was fed that decides.
fn remembered(values: &crate::script::Values) -> u64 {
    values.one.0 + values.one.1 + values.idle
}

pub(super) const INVERSE: Shape = Shape {
    name: "inverse",
    sources: 1,
    windows: 1,
    kind: Sources::Replaying,
    start: |engine, wires, values| {
        engine.start(inverse::Ports {
            a: wires.replays(0),
            tap_a: wires.tap(0),
            lasting: wires.out("lasting"),
            lasting_changes: wires.changes("lasting"),
            shown: wires.out("shown"),
            shown_changes: wires.changes("shown"),
            total: wires.out("total"),
            total_changes: wires.changes("total"),
            span: time(values.one),
            idle: secs(remembered(values)),
        })
    },
    model: |inputs, expected| {
        let a = &inputs.sources[0];
        let (size, slide) = inputs.values.one;
        let (size, slide) = (intervals(size), intervals(slide));
        // A record that no window ever holds does not count; others do from the slide that first holds them.
        let dated = a.each_at(|time, batch| {
            let is_held = time + size > time.div_ceil(slide) * slide;
            batch.iter().filter(|_| is_held).map(|&pair| (time, pair)).collect()
        });
        // All that ever came, renewed with the window: a window that is long enough to hold it.
        let ever = dated.window(Time::MAX / 4, slide);
        let window = a.window(size, slide);
        let idle = intervals(remembered(inputs.values));
        let known = ever.each_at(|now, records: &[(Time, Pair)]| {
            let fed = |key: u8| records.iter().filter(|(_, pair)| pair.0 == key).map(|(time, _)| *time).max();
            let keys = (0..=u8::MAX).filter(|key| fed(*key).is_some_and(|fed| fed + idle > now));
            keys.map(|key| (key, 0)).collect()
        });
        let lasting = window.both(&known, |records, known: &[Pair]| sums(&[records, known].concat()));
        expected.put("lasting", lasting.delivered());
        expected.put("shown", window.each(sums).filter(|pair| pair.1 % 3 != 0).delivered());
        let total = window.both(&ever, |records, ever: &[(Time, Pair)]| match ever {
            [] => vec![],
            _ => vec![(0, records.iter().map(|pair| pair.1).fold(0, add))],
        });
        expected.put("total", total.delivered());
    },
};

stream!(
    /// What depends on the order in which records arrived, and extremes.
    #[batch(secs(1))]
    fn order<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        ends: Sink<Pair>,
        ends_changes: Sink<(Pair, i64)>,
        ends_of_batch: Sink<Pair>,
        groups: Sink<Pair>,
        groups_changes: Sink<(Pair, i64)>,
        extremes: Sink<Pair>,
        extremes_changes: Sink<(Pair, i64)>,
        highest: Sink<Pair>,
        highest_changes: Sink<(Pair, i64)>,
        first_of_all: Sink<Pair>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        let window = a.window(span.0, span.1);
        let wider = a.window(other_span.0, other_span.1);
        let all_ends =
            window.aggregate_by_key((first(), last())).map_values(|(first, last)| mix(first, last));
        all_ends.to(ends);
        all_ends.changes().to(ends_changes);
        a.aggregate_by_key((first(), last())).map_values(|(first, last)| mix(first, last)).to(ends_of_batch);
        let all_groups = wider.group_by_key().map_values(|values| in_order(&values));
        all_groups.to(groups);
        all_groups.changes().to(groups_changes);
        let all_extremes =
            wider.aggregate_by_key((min(), max())).map_values(|(least, most)| mix(least, most));
        all_extremes.to(extremes);
        all_extremes.changes().to(extremes_changes);
        let all_highest = window.aggregate_by_key(top_k(2)).map_values(|values| in_order(&values));
        all_highest.to(highest);
        all_highest.changes().to(highest_changes);
        wider.aggregate(first()).to(first_of_all);
    }
);

pub(super) const ORDER: Shape = Shape {
    name: "order",
    sources: 1,
    windows: 2,
    kind: Sources::Logged,
    start: |engine, wires, values| {
        engine.start(order::Ports {
            a: wires.logged(0),
            tap_a: wires.tap(0),
            ends: wires.out("ends"),
            ends_changes: wires.changes("ends"),
            ends_of_batch: wires.out("ends_of_batch"),
            groups: wires.out("groups"),
            groups_changes: wires.changes("groups"),
            extremes: wires.out("extremes"),
            extremes_changes: wires.changes("extremes"),
            highest: wires.out("highest"),
            highest_changes: wires.changes("highest"),
            first_of_all: wires.out("first_of_all"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let a = &inputs.sources[0];
        let (one, other) = (window(a, inputs.values.one), window(a, inputs.values.other));
        let ends = |values: &[i64]| mix(values[0], values[values.len() - 1]);
        expected.put("ends", one.each(|records| of_groups(records, ends)).delivered());
        expected.put("ends_of_batch", a.each(|records| of_groups(records, ends)).delivered());
        expected
            .put("groups", other.each(|records| of_groups(records, |values| in_order(values))).delivered());
        let extremes = |values: &[i64]| mix(least(values), most(values));
        expected.put("extremes", other.each(|records| of_groups(records, extremes)).delivered());
        let highest = |values: &[i64]| largest(values, 2);
        expected.put("highest", one.each(|records| of_groups(records, highest)).delivered());
        expected.put(
            "first_of_all",
            other.each(|records| records.first().copied().into_iter().collect()).delivered(),
        );
    },
};

stream!(
    /// One value of a whole window, and how often each record is there.
    #[batch(secs(1))]
    fn counts<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        number: Sink<Pair>,
        number_changes: Sink<(Pair, i64)>,
        reduced: Sink<Pair>,
        reduced_changes: Sink<(Pair, i64)>,
        several: Sink<Pair>,
        several_changes: Sink<(Pair, i64)>,
        once: Sink<Pair>,
        once_changes: Sink<(Pair, i64)>,
        occurrences: Sink<Pair>,
        occurrences_changes: Sink<(Pair, i64)>,
        different: Sink<Pair>,
        of_batch: Sink<Pair>,
    >(
        span: (Duration, Duration),
        other_span: (Duration, Duration),
    ) {
        a.to(tap_a);
        let window = a.window(span.0, span.1);
        let wider = a.window(other_span.0, other_span.1);
        let all_number = window.count().map(|n| (0, n));
        all_number.to(number);
        all_number.changes().to(number_changes);
        let all_reduced = wider.map(|(_, value)| value).reduce(add).map(|sum| (0, sum));
        all_reduced.to(reduced);
        all_reduced.changes().to(reduced_changes);
        let all_several = window
            .map(|(_, value)| value)
            .aggregate((count(), sum(), count_distinct()))
            .map(|(n, sum, different)| (0, mix(mix(n, sum), different)));
        all_several.to(several);
        all_several.changes().to(several_changes);
        let all_once = wider.distinct();
        all_once.to(once);
        all_once.changes().to(once_changes);
        all_once.count().map(|n| (0, n)).to(different);
        let all_occurrences = window.count_by_value().map(|((key, value), n)| (key, mix(value, n)));
        all_occurrences.to(occurrences);
        all_occurrences.changes().to(occurrences_changes);
        a.count_by_value().map(|((key, value), n)| (key, mix(value, n))).to(of_batch);
    }
);

fn occurrences(records: &[Pair]) -> Vec<Pair> {
    let times = |pair: &Pair| records.iter().filter(|other| *other == pair).count() as i64;
    distinct(records).iter().map(|pair| (pair.0, mix(pair.1, times(pair)))).collect()
}

pub(super) const COUNTS: Shape = Shape {
    name: "counts",
    sources: 1,
    windows: 2,
    kind: Sources::Paced,
    start: |engine, wires, values| {
        engine.start(counts::Ports {
            a: wires.paced(0),
            tap_a: wires.tap(0),
            number: wires.out("number"),
            number_changes: wires.changes("number"),
            reduced: wires.out("reduced"),
            reduced_changes: wires.changes("reduced"),
            several: wires.out("several"),
            several_changes: wires.changes("several"),
            once: wires.out("once"),
            once_changes: wires.changes("once"),
            occurrences: wires.out("occurrences"),
            occurrences_changes: wires.changes("occurrences"),
            different: wires.out("different"),
            of_batch: wires.out("of_batch"),
            span: time(values.one),
            other_span: time(values.other),
        })
    },
    model: |inputs, expected| {
        let a = &inputs.sources[0];
        let (one, other) = (window(a, inputs.values.one), window(a, inputs.values.other));
        let number = |records: &[Pair]| vec![(0, records.len() as i64)];
        let values = |records: &[Pair]| records.iter().map(|pair| pair.1).collect::<Vec<i64>>();
        // The sum of the counts of its batches, of which a window that slides over gaps may have none at the end.
        expected.put("number", window(&a.each(number), inputs.values.one).each(sums).delivered());
        let reduced = |records: &[Pair]| match records {
            [] => vec![],
            _ => vec![(0, sum_of(&values(records)))],
        };
        expected.put("reduced", other.each(reduced).delivered());
        let several = |records: &[Pair]| {
            let different: std::collections::BTreeSet<i64> = values(records).into_iter().collect();
            let made = mix(mix(records.len() as i64, sum_of(&values(records))), different.len() as i64);
            if records.is_empty() { vec![] } else { vec![(0, made)] }
        };
        expected.put("several", one.each(several).delivered());
        expected.put("once", other.each(distinct).delivered());
        expected.put("different", other.each(|records| number(&distinct(records))).delivered());
        expected.put("occurrences", one.each(occurrences).delivered());
        expected.put("of_batch", a.each(occurrences).delivered());
    },
};
