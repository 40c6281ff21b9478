//! Every operator on windows against recomputing each window from scratch, on random batches with empties and
//! duplicates, for windows longer and shorter than their slide and for batches that close early: the contents, and
//! the sum of the changes.

mod expected;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    ops::Range,
    time::Duration,
};

use expected::*;
use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Aggregate, BatchTime, Job, ManualClock, Record,
    aggregate::Invertible,
    connect::{Batch, ChannelSource, Collected, channel, collect, queue},
    kinds::{StreamKind, Table, Windowed},
    prelude::*,
};
use support::{Pair, block_on, soon, sorted};

/// A record of any operator, with the operator's name.
type Line = (String, String);

/// Names an operator's records, so that one sink takes all.
fn lines<'s, T: Record + Debug, P: StreamKind>(
    name: &'static str,
    stream: Stream<'s, T, P>,
) -> Stream<'s, Line, P> {
    stream.map(move |record| line(name, record)).share()
}

fn line(name: &str, record: impl Debug) -> Line {
    (name.to_owned(), format!("{record:?}"))
}

/// The values in order of arrival, which is certain with one worker only.
fn in_order(ordered: bool, mut values: Vec<i64>) -> Vec<i64> {
    if !ordered {
        values.sort();
    }
    values
}

/// A user's aggregate that can be undone.
struct NumberAndSum;

impl Aggregate<i64> for NumberAndSum {
    type Accumulator = (i64, i64);
    type Result = (i64, i64);
    type Algebra = Invertible;
    fn create(&self, value: i64) -> (i64, i64) {
        (1, value)
    }
    fn merge(&self, (n, sum): (i64, i64), (m, more): (i64, i64)) -> (i64, i64) {
        (n + m, sum.wrapping_add(more))
    }
    fn result(&self, made: (i64, i64)) -> (i64, i64) {
        made
    }
}

impl streaming_runtime::aggregate::Undo<i64> for NumberAndSum {
    fn undo(&self, (n, sum): (i64, i64), (m, less): (i64, i64)) -> (i64, i64) {
        (n - m, sum.wrapping_sub(less))
    }
}

stage!(
    /// Every operator on a window; of each record it says which has made it. One function, so that the operators are compiled
    /// once for all pipelines that read them.
    fn every_operator<'s>(
        window: Stream<'s, Pair, Windowed>,
        slide: Duration,
        outer: Duration,
        ordered: bool,
    ) -> Stream<'s, Line, Table> {
        let values = window.map_values(|value| vec![value]);
        let appended = values.reduce_by_key(|a, b| [a, b].concat());
        let appended = appended.map(move |(key, values)| (key, in_order(ordered, values)));
        let groups = window.group_by_key();
        let groups = groups.map(move |(key, values)| (key, in_order(ordered, values)));
        let sums = window.reduce_by_key(|a, b| a.wrapping_add(b));
        let inverted = window
            .reduce_by_key_with_inverse(|a, b| a.wrapping_add(b), |a, b| a.wrapping_sub(b))
            .allow_unbounded("a test");
        let filtered = window.reduce_by_key_with_inverse_and_filter(
            |a, b| a.wrapping_add(b),
            |a, b| a.wrapping_sub(b),
            |&(_, sum)| sum != 0,
        );
        let values = window.map(|(_, value)| value);
        let inverted_whole = values
            .reduce_with_inverse(|a, b| a.wrapping_add(b), |a, b| a.wrapping_sub(b))
            .allow_unbounded("a test");
        let aggregated = window.aggregate_by_key(NumberAndSum);
        let again = window.window(outer, slide).count_by_value();
        lines("appended", appended)
            .union(lines("groups", groups))
            .union(lines("sums", sums))
            .union(lines("inverted", inverted))
            .union(lines("filtered", filtered))
            .union(lines("inverted whole", inverted_whole))
            .union(lines("aggregated", aggregated))
            .union(lines("number", window.count()))
            .union(lines("largest", values.reduce(i64::max)))
            .union(lines("occurrences", window.count_by_value()))
            .union(lines("distinct", window.distinct()))
            .union(lines("again", again))
    }
);

stream!(
    /// Contents and changes.
    #[batch(secs(1))]
    fn both<
        pairs: Source<Pair>,
        passed: Sink<Pair>,
        whole: Sink<Line>,
        changed: Sink<(Line, i64)>,
        window: Sink<Pair>,
        entered: Sink<(Pair, i64)>,
    >(
        size: Duration,
        slide: Duration,
        outer: Duration,
        ordered: bool,
    ) {
        pairs.to(passed);
        let recent = pairs.window(size, slide);
        let kept = every_operator(recent, slide, outer, ordered);
        kept.to(whole);
        kept.changes().to(changed);
        recent.to(window);
        recent.changes().to(entered);
    }
);

stream!(
    /// Contents alone.
    #[batch(secs(1))]
    fn contents<pairs: Source<Pair>, whole: Sink<Line>, window: Sink<Pair>>(
        size: Duration,
        slide: Duration,
        outer: Duration,
        ordered: bool,
    ) {
        let recent = pairs.window(size, slide);
        every_operator(recent, slide, outer, ordered).to(whole);
        recent.to(window);
    }
);

stream!(
    /// Changes alone.
    #[batch(secs(1))]
    fn changes<pairs: Source<Pair>, changed: Sink<(Line, i64)>, entered: Sink<(Pair, i64)>>(
        size: Duration,
        slide: Duration,
        outer: Duration,
        ordered: bool,
    ) {
        let recent = pairs.window(size, slide);
        every_operator(recent, slide, outer, ordered).changes().to(changed);
        recent.changes().to(entered);
    }
);

stream!(
    /// Windows without an end.
    #[batch(secs(1))]
    fn running<pairs: Source<Pair>, whole: Sink<Line>, changed: Sink<(Line, i64)>>() {
        let all = pairs.history().allow_unbounded("a test");
        let kept = lines("sums", all.reduce_by_key(|a, b| a.wrapping_add(b)))
            .union(lines("largest", all.map(|(_, value)| value).reduce(i64::max)))
            .union(lines("groups", all.group_by_key().map(|(key, values)| (key, in_order(false, values)))))
            .union(lines("number", all.count()))
            .union(lines("distinct", all.distinct()));
        kept.to(whole);
        kept.changes().to(changed);
    }
);

stream!(
    /// Two windows over panes that are made once, and over the records.
    #[batch(secs(1))]
    fn shared_panes<
        pairs: Source<Pair>,
        one: Sink<Pair>,
        two: Sink<Pair>,
        apart: Sink<Pair>,
        own: Sink<Pair>,
    >(
        size: Duration,
        slide: Duration,
        other_size: Duration,
        other_slide: Duration,
    ) {
        let panes = pairs.reduce_by_key(|a, b| a.wrapping_add(b));
        panes.window(size, slide).reduce_by_key(|a, b| a.wrapping_add(b)).to(one);
        panes.window(other_size, other_slide).reduce_by_key(|a, b| a.wrapping_add(b)).to(two);
        pairs.window(size, slide).reduce_by_key(|a, b| a.wrapping_add(b)).to(apart);
        pairs.window(other_size, other_slide).reduce_by_key(|a, b| a.wrapping_add(b)).to(own);
    }
);

fn run(workers: usize, batches: usize, start: impl FnOnce(&Engine) -> Job) {
    support::run(Engine::new().workers(workers), batches, start);
}

/// Runs with as many early batches as there are moments in which nothing waits.
async fn run_early(
    workers: usize,
    batches: &[Vec<Pair>],
    passed: Collected<Pair>,
    start: impl FnOnce(&Engine, ChannelSource<Pair>) -> Job,
) {
    let clock = ManualClock::new();
    let engine = Engine::new().workers(workers).manual_clock(&clock).close_early(true);
    let (sender, source) = channel(8);
    let mut job = start(&engine, source);
    let mut sent = 0;
    for batch in batches {
        for pair in batch {
            sender.send(*pair).await.expect("it runs");
            sent += 1;
            let has_passed = |batches: &[Batch<Pair>]| {
                batches.iter().map(|batch| batch.records.len()).sum::<usize>() == sent
            };
            assert!(passed.wait_until(has_passed).await, "what was sent passes in an early batch");
        }
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
    }
    drop(sender);
    job.stop().await.expect("it ends well");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn windows_equal_recomputation(batches in batches(), cut in cut(), workers in 1..3usize, early: bool) {
        let ordered = workers == 1;
        let ((passed, all), (whole, contents), (changed, changes)) = (collect(), collect(), collect());
        let ((window, records), (entered, movements)) = (collect(), collect());
        let (size, slide, outer) = (seconds(cut.size), seconds(cut.slide), seconds(cut.outer));
        if early {
            block_on(soon(run_early(workers, &batches, all, |engine, pairs| {
                let ports =
                    both::Ports { pairs, passed, whole, changed, window, entered, size, slide, outer, ordered };
                engine.start(ports).expect("it starts")
            })));
        } else {
            run(workers, batches.len(), |engine| {
                let pairs = queue(batches.clone());
                let ports =
                    both::Ports { pairs, passed, whole, changed, window, entered, size, slide, outer, ordered };
                engine.start(ports).expect("it starts")
            });
        }
        let expected = expected(&batches, cut, ordered);
        holds(&got(&contents), &expected.whole, expected.slides.clone());
        add_up(summed(&changes), &expected.whole, expected.slides.clone());
        holds(&got(&records), &expected.window, expected.slides.clone());
        add_up(summed(&movements), &expected.window, expected.slides.clone());
    }

    /// An operator makes only what is read; what it makes does not depend on it.
    #[test]
    fn one_form_equals_recomputation(batches in batches(), cut in cut(), workers in 1..3usize) {
        let ordered = workers == 1;
        let ((whole, got_whole), (changed, got_changes)) = (collect(), collect());
        let ((window, records), (entered, movements)) = (collect(), collect());
        let (size, slide, outer) = (seconds(cut.size), seconds(cut.slide), seconds(cut.outer));
        run(workers, batches.len(), |engine| {
            let pairs = queue(batches.clone());
            let ports = contents::Ports { pairs, whole, window, size, slide, outer, ordered };
            engine.start(ports).expect("it starts")
        });
        run(workers, batches.len(), |engine| {
            let pairs = queue(batches.clone());
            let ports = changes::Ports { pairs, changed, entered, size, slide, outer, ordered };
            engine.start(ports).expect("it starts")
        });
        let expected = expected(&batches, cut, ordered);
        holds(&got(&got_whole), &expected.whole, expected.slides.clone());
        add_up(summed(&got_changes), &expected.whole, expected.slides.clone());
        holds(&got(&records), &expected.window, expected.slides.clone());
        add_up(summed(&movements), &expected.window, expected.slides.clone());
    }

    /// Several windows over panes that are made once are what they would be over the records.
    #[test]
    fn windows_share_panes(batches in batches(), cut in cut(), other in cut(), workers in 1..3usize) {
        let ((one, sums), (two, largest)) = (collect(), collect());
        let ((apart, own_sums), (own, own_largest)) = (collect(), collect());
        run(workers, batches.len(), |engine| {
            let (size, slide) = (seconds(cut.size), seconds(cut.slide));
            let (other_size, other_slide) = (seconds(other.size), seconds(other.slide));
            let pairs = queue(batches.clone());
            let ports = shared_panes::Ports { pairs, one, two, apart, own, size, slide, other_size, other_slide };
            engine.start(ports).expect("it starts")
        });
        prop_assert_eq!(got(&sums), got(&own_sums));
        prop_assert_eq!(got(&largest), got(&own_largest));
        prop_assert!(batches.len() < cut.slide || !sums.is_empty());
    }

    #[test]
    fn windows_without_an_end_equal_recomputation(batches in batches(), workers in 1..3usize) {
        let ((whole, contents), (changed, changes)) = (collect(), collect());
        run(workers, batches.len(), |engine| {
            let pairs = queue(batches.clone());
            engine.start(running::Ports { pairs, whole, changed }).expect("it starts")
        });
        let operators = ["sums", "largest", "groups", "number", "distinct"];
        let cut = Cut { size: usize::MAX, slide: 1, outer: 1 };
        let mut expected = expected(&batches, cut, false).whole;
        expected.iter_mut().for_each(|(_, lines)| lines.retain(|(name, _)| operators.contains(&name.as_str())));
        prop_assert_eq!(got(&contents), expected.clone());
        prop_assert_eq!(summed(&changes), expected);
    }
}

stream!(
    /// What an inverse leaves, for three seconds; and two histories as one.
    #[batch(secs(1))]
    fn lasting<
        a: Source<(u8, i64)>,
        b: Source<(u8, i64)>,
        left: Sink<(u8, i64)>,
        changes: Sink<((u8, i64), i64)>,
        all: Sink<(u8, i64)>,
    >() {
        let sums = a.window(secs(1), secs(1)).reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b);
        let kept = sums.expire_after(secs(3));
        kept.to(left);
        kept.changes().to(changes);
        a.history().union(b.history()).allow_unbounded("a test").to(all);
    }
);

#[test]
fn what_an_inverse_leaves_expires_and_histories_unite() {
    let batch = |pairs: &[(u8, i64)]| pairs.to_vec();
    let a = vec![batch(&[(1, 5)]), batch(&[]), batch(&[]), batch(&[]), batch(&[(2, 1)])];
    let b = vec![batch(&[(1, 5)]), batch(&[(3, 3)])];
    for workers in [1, 2] {
        let (left, all_left) = collect();
        let (changes, all_changes) = collect();
        let (all, everything) = collect();
        support::run(Engine::new().workers(workers), a.len(), |engine| {
            let ports = lasting::Ports { a: queue(a.clone()), b: queue(b.clone()), left, changes, all };
            engine.start(ports).expect("it starts")
        });
        // The key has its last values in the first batch, at 1 s, and is forgotten at 4 s.
        assert_eq!(
            support::got(&all_left, 5),
            [vec![(1, 5)], vec![(1, 0)], vec![(1, 0)], vec![], vec![(2, 1)]]
        );
        let gone = vec![((1, 0), -1)];
        let moved = vec![((1, 0), 1), ((1, 5), -1)];
        assert_eq!(
            support::got(&all_changes, 5),
            [vec![((1, 5), 1)], moved, vec![], gone, vec![((2, 1), 1)]]
        );
        let twice = vec![(1, 5), (1, 5)];
        let three = vec![(1, 5), (1, 5), (3, 3)];
        let four = vec![(1, 5), (1, 5), (2, 1), (3, 3)];
        assert_eq!(support::got(&everything, 5), [twice, three.clone(), three.clone(), three, four]);
    }
}
