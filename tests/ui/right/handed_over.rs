//! Streams and sinks that code of one's own is given, and gives back.

use streaming_runtime::{SinkPort, connect::ChannelSource, connect::console, prelude::*};

struct Parts<'s> {
    small: Stream<'s, i64>,
    large: Stream<'s, i64>,
    limit: i64,
}

fn parted<'s>(numbers: Stream<'s, i64>, limit: i64) -> Parts<'s> {
    let again = numbers.again();
    let small = again.filter(move |number| *number <= limit).share();
    Parts { small, large: numbers.filter(move |number| *number > limit).share(), limit }
}

fn halves<'s>(numbers: Stream<'s, i64>) -> (Stream<'s, i64>, Stream<'s, i64>) {
    let Parts { small, large, limit } = parted(numbers, 50);
    assert_eq!(limit, 50);
    (small, large)
}

fn borrows<'s>(numbers: Stream<'s, i64>, sink: &SinkPort<'s, i64>) {
    numbers.to(sink);
}

fn takes<'s>(numbers: Stream<'s, i64>, sink: SinkPort<'s, i64>) {
    numbers.to(&sink);
}

fn united<'s>(streams: Vec<Stream<'s, i64>>) -> Stream<'s, i64> {
    streams.into_iter().reduce(|all, one| all.union(one)).expect("there are some")
}

stream!(
    #[batch(secs(1))]
    fn by_field<a: Source<i64>, small: Sink<i64>, large: Sink<i64>, more: Sink<i64>>() {
        let parts = parted(a, 10);
        parts.small.to(small);
        parts.large.map(|number| number + 1).to(more);
        parts.large.to(large);
    }
);

stream!(
    #[batch(secs(1))]
    fn by_pattern<a: Source<i64>, small: Sink<i64>, large: Sink<i64>>() {
        let Parts { small: few, large: many, .. } = parted(a, 10);
        few.to(small);
        many.map(|number| number + 1).to(large);
    }
);

stream!(
    #[batch(secs(1))]
    fn by_place<a: Source<i64>, small: Sink<i64>, large: Sink<i64>>() {
        let both = halves(a);
        both.0.to(small);
        both.1.to(large);
    }
);

stream!(
    #[batch(secs(1))]
    fn sinks<a: Source<i64>, one: Sink<i64>, two: Sink<i64>, three: Sink<i64>>() {
        borrows(a, one);
        takes(a.map(|number| number + 1), two);
        let streams = vec![a.map(|number| number + 2), a];
        united(streams).to(three);
    }
);

stream!(
    #[batch(secs(1))]
    fn two_at_once<
        a: Source<(u64, i64)>,
        b: Source<(u64, i64)>,
        one: Sink<(u64, i64)>,
        two: Sink<(u64, (i64, i64))>,
    >() {
        let (x, y) = (a.window(secs(3), secs(1)), b.window(secs(3), secs(1)));
        x.to(one);
        x.join(y).to(two);
    }
);

#[test]
fn the_plan_has_what_is_handed_over() {
    assert!(by_field::<(), (), (), ()>::PLAN.contains("op_parts__parted -->|\"small\"| sink_small"));
    assert!(by_place::<(), (), ()>::PLAN.contains("op_both__halves -->|\"1\"| sink_large"));
    let plan = sinks::<(), (), (), ()>::PLAN;
    assert!(plan.contains("op_borrows --> sink_one"), "{plan}");
    assert!(plan.contains("op_three__united --> sink_three"), "{plan}");
    let _ = |a: ChannelSource<i64>| {
        let (one, two, three) = (console(), console(), console());
        Engine::new().start(sinks::Ports { a, one, two, three })
    };
}
