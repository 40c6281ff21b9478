//! Joins of batches, windows, histories and what is kept.

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
    pub fn joins<left: Source<Pair>, right: Source<Pair>, logged: Source<Pair>, out: Sink<String>>() {
        let a = left.window(secs(3), secs(1));
        let b = right.window(secs(2), secs(1));
        let keys = b.map(|(key, _)| key);
        let all = logged.history().allow_unbounded("a test");
        let kept = a.reduce_by_key(|a, b| a + b);
        let days = a.map_values(Day::of);

        let grouped = a.cogroup(b);
        let inner = a.join(b);
        let lefts = a.left_join(b);
        let rights = a.right_join(b);
        let full = a.full_join(b);
        let semi = a.semijoin(keys);
        let anti = a.antijoin(keys);
        let one = grouped.snapshot().map(line("grouped")).union(inner.snapshot().map(line("inner")));
        let two = one.union(lefts.snapshot().map(line("lefts"))).union(rights.snapshot().map(line("rights")));
        let three = two.union(full.snapshot().map(line("full"))).union(semi.snapshot().map(line("semi")));
        let windows = three.union(anti.snapshot().map(line("anti")));

        let looked_up = left.join(b);
        let other_way = b.left_join(left);
        let growing = right.full_join(all);
        let unknown = left.antijoin(all.map(|(key, _)| key));
        let beside = left.cogroup(b);
        let four = looked_up.map(line("looked up")).union(other_way.map(line("other way")));
        let five = four.union(growing.map(line("growing"))).union(unknown.map(line("unknown")));
        let batches = five.union(beside.map(line("beside")));

        let with_kept = b.join(kept);
        let of_kept = kept.right_join(b);
        let changing = right.left_join(kept);
        let both_kept = kept.full_join(b.reduce_by_key(|a, b| a + b));
        let six = with_kept.snapshot().map(line("with kept")).union(of_kept.snapshot().map(line("of kept")));
        let tables =
            six.union(changing.map(line("changing"))).union(both_kept.snapshot().map(line("both kept")));

        let ever = a.join(all);
        let of_days = days.full_join(b.map_values(Day::of));
        let day_groups = days.cogroup(b);
        let known_days = all.map_values(Day::of).semijoin(keys);
        let seven = ever.snapshot().map(line("ever")).union(of_days.snapshot().map(line("of days")));
        let rest = seven
            .union(day_groups.snapshot().map(line("day groups")))
            .union(known_days.snapshot().map(line("known days")));

        windows.union(batches).union(tables).union(rest).to(out);
    }
);

pub(crate) fn program(out: Lasting) -> impl Pipeline {
    joins::Ports {
        left: queue(batches(1)),
        right: queue(batches(2)),
        logged: durable(queue(batches(3))),
        out,
    }
}
