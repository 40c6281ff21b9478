//! What merges by functions of the program, and what groups.

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

fn larger<T: PartialOrd>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

fn adding(more: i64) -> impl Fn(i64, i64) -> i64 {
    move |a, b| a + b + more
}

fn boxed() -> Box<dyn Fn(i64, i64) -> i64> {
    Box::new(|a, b| a.max(b))
}

fn with_count(n: i64) -> (i64, u64) {
    (n, 1)
}

stream!(
    #[batch(secs(1))]
    pub fn closures<pairs: Source<Pair>, logged: Source<Pair>, out: Sink<String>>() {
        let recent = pairs.window(secs(3), secs(1));
        let values = recent.map(|(_, n)| n);
        let all = logged.history().allow_unbounded("a test");
        let kept = recent.count_by_value().map(|((key, _), n)| (key, n));

        let closure = recent.reduce_by_key(|a, b| a + b);
        let trait_method = recent.reduce_by_key(i64::min);
        let own_method = recent.reduce_by_key(i64::wrapping_add);
        let generic = recent.reduce_by_key(larger::<i64>);
        let pointer = recent.reduce_by_key(larger as fn(i64, i64) -> i64);
        let made = recent.reduce_by_key(adding(1));
        let dynamic = recent.reduce_by_key(boxed());
        let one =
            closure.snapshot().map(line("closure")).union(trait_method.snapshot().map(line("trait method")));
        let two = one
            .union(own_method.snapshot().map(line("own method")))
            .union(generic.snapshot().map(line("generic")));
        let three =
            two.union(pointer.snapshot().map(line("pointer"))).union(made.snapshot().map(line("made")));
        let reduced = three.union(dynamic.snapshot().map(line("dynamic")));

        let back = recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).expire_after(secs(5));
        let methods =
            recent.reduce_by_key_with_inverse(i64::wrapping_add, i64::wrapping_sub).allow_unbounded("a test");
        let filtered =
            recent.reduce_by_key_with_inverse_and_filter(|a, b| a + b, |a, b| a - b, |&(_, n)| n != 0);
        let four = back.snapshot().map(line("back")).union(methods.snapshot().map(line("methods")));
        let inverse = four.union(filtered.snapshot().map(line("filtered")));

        let combined = recent.combine_by_key(
            |n| (n, 1_u64),
            |(sum, n), v| (sum + v, n + 1),
            |(a, n), (b, m)| (a + b, n + m),
        );
        let half_named = recent.combine_by_key(
            with_count,
            |(sum, n), v| (sum + v, n + 1),
            |(a, n), (b, m)| (a + b, n + m),
        );
        let groups = recent.group_by_key();
        let days = recent.map_values(Day::of).group_by_key();
        let counts = recent.count_by_value();
        let different = recent.distinct();
        let five =
            combined.snapshot().map(line("combined")).union(half_named.snapshot().map(line("half named")));
        let six = five.union(groups.snapshot().map(line("groups"))).union(days.snapshot().map(line("days")));
        let grouped = six
            .union(counts.snapshot().map(line("counts")))
            .union(different.snapshot().map(line("different")));

        let running = all.reduce_by_key(|a: i64, b: i64| a.max(b));
        let running_method = all.reduce_by_key(i64::max);
        let running_groups = all.group_by_key();
        let running_counts = all.count_by_value();
        let running_different = all.distinct();
        let seven = running
            .snapshot()
            .map(line("running"))
            .union(running_method.snapshot().map(line("running method")));
        let eight = seven.union(running_groups.snapshot().map(line("running groups")));
        let history = eight
            .union(running_counts.snapshot().map(line("running counts")))
            .union(running_different.snapshot().map(line("running different")));

        let whole = values.reduce(|a, b| a + b);
        let whole_method = values.reduce(i64::max);
        let whole_back = values.reduce_with_inverse(|a, b| a + b, |a, b| a - b).allow_unbounded("a test");
        let nine =
            whole.snapshot().map(line("whole")).union(whole_method.snapshot().map(line("whole method")));
        let wholes = nine.union(whole_back.snapshot().map(line("whole back")));

        let kept_sums = kept.reduce_by_key(|a, b| a + b);
        let kept_method = kept.reduce_by_key(i64::min);
        let kept_groups = kept.group_by_key();
        let ten = kept_sums
            .snapshot()
            .map(line("kept sums"))
            .union(kept_method.snapshot().map(line("kept method")));
        let of_kept = ten.union(kept_groups.snapshot().map(line("kept groups")));

        reduced.union(inverse).union(grouped).union(history).union(wholes).union(of_kept).to(out);
    }
);

pub(crate) fn program(out: Lasting) -> impl Pipeline {
    closures::Ports { pairs: queue(batches(1)), logged: durable(queue(batches(2))), out }
}
