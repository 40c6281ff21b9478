//! Operators on batches.

use streaming_runtime::prelude::*;

use super::{Shape, Sources};
use crate::{
    model::Pair,
    records::{add, by_key, distinct, full, in_order, inner, mix, mix_some, sums},
};

stream!(
    /// Stateless operators, what gathers a batch, and joins of two.
    #[batch(secs(1))]
    fn chain<
        a: Source<Pair>,
        b: Source<Pair>,
        tap_a: Sink<Pair>,
        tap_b: Sink<Pair>,
        all: Sink<Pair>,
        parted: Sink<Pair>,
        dealt: Sink<Pair>,
        number: Sink<Pair>,
        totals: Sink<Pair>,
        grouped: Sink<Pair>,
        once: Sink<Pair>,
        joined: Sink<Pair>,
        either: Sink<Pair>,
    >() {
        a.to(tap_a);
        b.to(tap_b);
        let both = a.union(b).filter(|&(_, value)| value != 0).map(|(key, value)| (key, 2 * value));
        both.to(all);
        let (large, small) = both.split(|&(_, value)| value > 2);
        let twice = small.flat_map(|(key, value)| [(key, value), (key, -value)]);
        large.union(twice).to(parted);
        a.repartition(2).filter_map(|(key, value)| (key != 1).then_some((key, value))).to(dealt);
        both.count().map(|n| (0, n)).to(number);
        both.reduce_by_key(add).to(totals);
        a.group_by_key().map_values(|values| in_order(&values)).to(grouped);
        both.distinct().to(once);
        a.join(b).map_values(|(a, b)| mix(a, b)).to(joined);
        a.full_join(b).map_values(|(a, b)| mix_some(a, b)).to(either);
    }
);

pub(super) const CHAIN: Shape = Shape {
    name: "chain",
    sources: 2,
    windows: 0,
    kind: Sources::Replaying,
    start: |engine, wires, _| {
        engine.start(chain::Ports {
            a: wires.replays(0),
            b: wires.replays(1),
            tap_a: wires.tap(0),
            tap_b: wires.tap(1),
            all: wires.out("all"),
            parted: wires.out("parted"),
            dealt: wires.out("dealt"),
            number: wires.out("number"),
            totals: wires.out("totals"),
            grouped: wires.out("grouped"),
            once: wires.out("once"),
            joined: wires.out("joined"),
            either: wires.out("either"),
        })
    },
    model: |inputs, expected| {
        let (a, b) = (&inputs.sources[0], &inputs.sources[1]);
        let both = a.union(b).filter(|pair| pair.1 != 0).map(|&(key, value)| (key, 2 * value));
        expected.put("all", both.delivered());
        let parted = both.each(|batch| {
            let parts = batch.iter().map(|&(key, value)| match value > 2 {
                true => vec![(key, value)],
                false => vec![(key, value), (key, -value)],
            });
            parts.flatten().collect()
        });
        expected.put("parted", parted.delivered());
        expected.put("dealt", a.filter(|pair| pair.0 != 1).delivered());
        expected.put("number", both.each(|batch| vec![(0, batch.len() as i64)]).delivered());
        expected.put("totals", both.each(sums).delivered());
        expected.put("grouped", a.each(|batch| by_key(batch, |values| in_order(values))).delivered());
        expected.put("once", both.each(distinct).delivered());
        expected.put("joined", a.join(b, inner).delivered());
        expected.put("either", a.join(b, full).delivered());
    },
};
