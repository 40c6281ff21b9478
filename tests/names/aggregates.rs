//! Aggregates by name, of windows, histories and what is kept.

use std::marker::PhantomData;

use streaming_runtime::{
    Aggregate, Pipeline,
    aggregate::{
        count, count_distinct, first, last, max, mean, min, population_variance, sample_variance, sum, top_k,
    },
    connect::{durable, queue},
    prelude::*,
};
use support::Lasting;

use crate::{
    run::batches,
    types::{Above, Day, Farthest, FarthestOf, Pair, line},
};

fn half(n: &i64) -> i64 {
    n / 2
}

fn as_it_is<T: Clone>(value: &T) -> T {
    value.clone()
}

stream!(
    #[batch(secs(1))]
    pub fn aggregates<pairs: Source<Pair>, logged: Source<Pair>, out: Sink<String>>() {
        let recent = pairs.window(secs(3), secs(1));
        let reals = recent.map_values(|n: i64| n as f64 / 4.0);
        let days = recent.map_values(Day::of);
        let values = recent.map(|(_, n)| n);
        let all = logged.history().allow_unbounded("a test");
        let kept = recent.count_by_value().map(|((key, _), n)| (key, n));

        let counts = recent.aggregate_by_key(count());
        let sums = recent.aggregate_by_key(sum());
        let means = recent.aggregate_by_key(mean());
        let mins = recent.aggregate_by_key(min());
        let maxs = recent.aggregate_by_key(max());
        let firsts = recent.aggregate_by_key(first());
        let lasts = recent.aggregate_by_key(last());
        let tops = recent.aggregate_by_key(top_k(2));
        let different = recent.aggregate_by_key(count_distinct());
        let one = counts.snapshot().map(line("counts"));
        let two = one.union(sums.snapshot().map(line("sums"))).union(means.snapshot().map(line("means")));
        let three = two.union(mins.snapshot().map(line("mins"))).union(maxs.snapshot().map(line("maxs")));
        let four =
            three.union(firsts.snapshot().map(line("firsts"))).union(lasts.snapshot().map(line("lasts")));
        let named =
            four.union(tops.snapshot().map(line("tops"))).union(different.snapshot().map(line("different")));

        let real_sums = reals.aggregate_by_key(sum());
        let real_means = reals.aggregate_by_key(mean());
        let populations = reals.aggregate_by_key(population_variance());
        let samples = reals.aggregate_by_key(sample_variance());
        let five =
            real_sums.snapshot().map(line("real sums")).union(real_means.snapshot().map(line("real means")));
        let six = five.union(populations.snapshot().map(line("populations")));
        let real = six.union(samples.snapshot().map(line("samples")));

        let twos = recent.aggregate_by_key((count(), sum()));
        let threes = recent.aggregate_by_key((first(), (min(), max()), last()));
        let fours = recent.aggregate_by_key((count(), mean(), top_k(1), count_distinct()));
        let fives = recent.aggregate_by_key((count(), sum(), min(), max(), mean()));
        let sixes = recent.aggregate_by_key((count(), sum(), min(), max(), first(), top_k(3)));
        let seven = twos.snapshot().map(line("twos")).union(threes.snapshot().map(line("threes")));
        let eight =
            seven.union(fours.snapshot().map(line("fours"))).union(fives.snapshot().map(line("fives")));
        let tuples = eight.union(sixes.snapshot().map(line("sixes")));

        let opposite = recent.aggregate_by_key(max().of(|n: &i64| -n));
        let halves = recent.aggregate_by_key(sum().of(half));
        let same = recent.aggregate_by_key(first().of(as_it_is::<i64>));
        let pointed = recent.aggregate_by_key(last().of(half as fn(&i64) -> i64));
        let both = recent.aggregate_by_key((count(), sum()).of(half));
        let mixed = recent.aggregate_by_key((count(), sum().of(|n: &i64| 2 * n), min().of(half)));
        let twice = recent.aggregate_by_key(sum().of(half).of(|n: &i64| 2 * n));
        let nine = opposite.snapshot().map(line("opposite")).union(halves.snapshot().map(line("halves")));
        let ten =
            nine.union(same.snapshot().map(line("same"))).union(pointed.snapshot().map(line("pointed")));
        let parts = ten
            .union(both.snapshot().map(line("both")))
            .union(mixed.snapshot().map(line("mixed")))
            .union(twice.snapshot().map(line("twice")));

        let farthest = recent.aggregate_by_key(Farthest);
        let farthest_of = recent.aggregate_by_key(FarthestOf::<i64>(PhantomData));
        let above = recent.aggregate_by_key(Above(2));
        let above_half = recent.aggregate_by_key((count(), Above(2).of(half)));
        let eleven = farthest.snapshot().map(line("farthest")).union(farthest_of.snapshot().map(line("of")));
        let own =
            eleven.union(above.snapshot().map(line("above"))).union(above_half.snapshot().map(line("half")));

        let first_days = days.aggregate_by_key(first());
        let day_counts = days.aggregate_by_key(count_distinct());
        let day_parts = recent
            .aggregate_by_key((last().of(|n: &i64| Day::of(*n)), count_distinct().of(|n: &i64| Day::of(*n))));
        let twelve =
            first_days.snapshot().map(line("first days")).union(day_counts.snapshot().map(line("days")));
        let opaque = twelve.union(day_parts.snapshot().map(line("day parts")));

        let running = all.aggregate_by_key(count());
        let running_sums = all.map_values(|n: i64| n as f64 / 4.0).aggregate_by_key(sum());
        let running_tops = all.aggregate_by_key(top_k(2));
        let running_days = all.map_values(Day::of).aggregate_by_key(count_distinct());
        let running_both = all.aggregate_by_key((count(), max().of(half)));
        let thirteen =
            running.snapshot().map(line("running")).union(running_sums.snapshot().map(line("running sums")));
        let history = thirteen
            .union(running_tops.snapshot().map(line("running tops")))
            .union(running_days.snapshot().map(line("running days")))
            .union(running_both.snapshot().map(line("running both")));

        let whole_sum = values.aggregate(sum());
        let whole_tops = values.top_k(2);
        let whole_count = values.count();
        let fourteen =
            whole_sum.snapshot().map(line("whole sum")).union(whole_tops.snapshot().map(line("whole tops")));
        let whole = fourteen.union(whole_count.snapshot().map(line("whole count")));

        let kept_max = kept.aggregate_by_key(max());
        let kept_sum = kept.aggregate_by_key(sum());
        let kept_days = kept.map_values(Day::of).aggregate_by_key(last());
        let fifteen =
            kept_max.snapshot().map(line("kept max")).union(kept_sum.snapshot().map(line("kept sum")));
        let of_kept = fifteen.union(kept_days.snapshot().map(line("kept days")));

        named
            .union(real)
            .union(tuples)
            .union(parts)
            .union(own)
            .union(opaque)
            .union(history)
            .union(whole)
            .union(of_kept)
            .to(out);
    }
);

pub(crate) fn program(out: Lasting) -> impl Pipeline {
    aggregates::Ports { pairs: queue(batches(1)), logged: durable(queue(batches(2))), out }
}
