//! Every operator that keeps something, against the same program without a stop.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Checkpoint, ManualClock,
    aggregate::{count, first, last, max, sum, top_k},
    connect::queue,
    prelude::*,
};

use support::{Delivered, Lasting, Pair, block_on};

stream!(
    /// One of each kind that has a state of its own.
    #[batch(secs(1))]
    fn keeping<
        pairs: Source<Pair>,
        others: Source<Pair>,
        window: Sink<Pair>,
        window_changes: Sink<(Pair, i64)>,
        undone: Sink<(u8, (i64, i64))>,
        stacks: Sink<(u8, (i64, Vec<i64>))>,
        ordered: Sink<(u8, (i64, i64))>,
        groups: Sink<(u8, Vec<i64>)>,
        inverse: Sink<Pair>,
        inverse_shown: Sink<Pair>,
        running: Sink<Pair>,
        running_groups: Sink<(u8, Vec<i64>)>,
        total: Sink<i64>,
        kept_total: Sink<i64>,
    >() {
        let recent = pairs.window(secs(4), secs(2));
        recent.to(window);
        recent.changes().to(window_changes);
        recent.aggregate_by_key((count(), sum())).to(undone);
        recent.aggregate_by_key((max(), top_k(2))).to(stacks);
        pairs.window(secs(3), secs(1)).aggregate_by_key((first(), last())).to(ordered);
        recent.group_by_key().map_values(sorted).to(groups);
        let back = recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b);
        back.expire_after(secs(5)).to(inverse);
        recent
            .reduce_by_key_with_inverse_and_filter(|a, b| a + b, |a, b| a - b, |&(_, sum)| sum % 3 != 0)
            .to(inverse_shown);
        let all = pairs.history().allow_unbounded("a test");
        all.reduce_by_key(|a: i64, b: i64| a.max(b)).to(running);
        all.group_by_key().map_values(sorted).to(running_groups);
        recent.count().to(total);
        others.window(secs(3), secs(1)).distinct().count().to(kept_total);
    }
);

fn sorted(mut values: Vec<i64>) -> Vec<i64> {
    values.sort();
    values
}

stream!(
    /// States, joins and what is differential.
    #[batch(secs(1))]
    fn meeting<
        pairs: Source<Pair>,
        others: Source<Pair>,
        updated: Sink<Pair>,
        updated_changes: Sink<(Pair, i64)>,
        expiring: Sink<Pair>,
        mapped: Sink<(u8, Option<i64>, i64)>,
        states: Sink<Pair>,
        joined: Sink<(u8, (i64, i64))>,
        joined_changes: Sink<((u8, (i64, Option<i64>)), i64)>,
        looked_up: Sink<(u8, (i64, i64))>,
        from_history: Sink<(u8, (i64, i64))>,
        grouped: Sink<(u8, (Vec<i64>, Vec<i64>))>,
        differential: Sink<(u8, i64)>,
        kept_join: Sink<(u8, (i64, i64))>,
        reached: Sink<(u8, u8)>,
        reached_changes: Sink<((u8, u8), i64)>,
        distinct_counts: Sink<(u8, i64)>,
    >() {
        let summed = pairs.update_state(|_, state: Option<i64>, new: &[i64]| {
            let sum = new.iter().fold(state.unwrap_or(1), |a, b| a.wrapping_mul(3).wrapping_add(*b));
            (sum % 5 != 0).then_some(sum)
        });
        let kept = summed.allow_unbounded("a test");
        kept.to(updated);
        kept.changes().to(updated_changes);
        others
            .update_state(|_, state: Option<i64>, new: &[i64]| Some(state.unwrap_or(0) + new.len() as i64))
            .expire_after(secs(3))
            .to(expiring);
        let (emitted, snapshots) = pairs.map_with_state(idle_for(secs(2)), |key, value, state| {
            let sum: i64 =
                state.get().copied().unwrap_or(0_i64).wrapping_mul(7).wrapping_add(value.unwrap_or(0));
            if !state.is_timing_out() {
                match sum % 11 {
                    0 if state.exists() => state.remove(),
                    _ => state.update(sum),
                }
            }
            Some((*key, value, sum))
        });
        emitted.to(mapped);
        snapshots.to(states);
        pairs.window(secs(4), secs(2)).join(others.window(secs(2), secs(2))).to(joined);
        pairs
            .window(secs(3), secs(1))
            .left_join(others.window(secs(2), secs(1)))
            .changes()
            .to(joined_changes);
        pairs.join(others.history().allow_unbounded("a test")).to(from_history);
        let counts = others.window(secs(3), secs(1)).count_by_value();
        let latest = counts.map(|((key, value), n)| (key, value * n));
        pairs.join(latest).to(looked_up);
        pairs
            .window(secs(2), secs(1))
            .cogroup(others.window(secs(3), secs(1)))
            .map_values(|(a, b)| (sorted(a), sorted(b)))
            .to(grouped);
        latest.reduce_by_key(|a: i64, b: i64| a.max(b)).to(differential);
        kept.join(latest).to(kept_join);
        let edges =
            pairs.window(secs(4), secs(2)).map(|(from, to)| (from, to.unsigned_abs() as u8 % 8)).distinct();
        let reach = edges.iterate(|reach| {
            let further = reach.map(|(from, to)| (to, from)).join(edges).map(|(_, (from, to))| (from, to));
            further.union(edges).distinct()
        });
        reach.to(reached);
        reach.changes().to(reached_changes);
        kept.map(|(key, _)| (key % 3, 1)).reduce_by_key(|a: i64, b: i64| a + b).to(distinct_counts);
    }
);

/// How a run ends, after so many more batches and with so many workers.
#[derive(Clone, Copy, Debug)]
struct Run {
    workers: usize,
    batches: u64,
    /// Whether it is stopped in order, and not in the middle.
    gently: bool,
}

/// Runs a program that is stopped as `runs` say and then run to its end; returns what each sink has.
async fn run<P: streaming_runtime::Pipeline>(
    runs: &[Run],
    batches: u64,
    make: impl Fn(&mut dyn FnMut() -> Lasting) -> P,
) -> Vec<Delivered> {
    let directory = tempfile::tempdir().expect("temp");
    let clock = ManualClock::new();
    let mut sinks = Vec::<Lasting>::new();
    let last = Run { workers: 1, batches, gently: true };
    let mut at = 0;
    for run in runs.iter().chain([&last]) {
        let mut next = 0;
        let pipeline = make(&mut || {
            next += 1;
            if sinks.len() < next {
                sinks.push(Lasting::default());
            }
            sinks[next - 1].clone()
        });
        let checkpoint = Checkpoint::new(directory.path()).exactly_once();
        let engine = Engine::new().workers(run.workers).manual_clock(&clock).checkpoint(checkpoint);
        let mut job = engine.start(pipeline).expect("starts");
        let monitor = job.monitor();
        let upto = (at + run.batches).min(batches);
        let steps = upto - at;
        for _ in 0..steps {
            clock.advance(secs(1));
            at += 1;
            if at % 3 == 0 {
                tokio::task::yield_now().await;
            }
        }
        if steps > 0 && steps == at {
            // A job that is stopped before its first batch has no beginning to go on from.
            job.delivered(streaming_runtime::BatchTime::from_millis(1000)).await.expect("delivered");
        }
        let end = async {
            if at == batches && std::ptr::eq(run, &last) {
                job.join().await
            } else if run.gently {
                job.stop().await
            } else {
                tokio::time::sleep(Duration::from_micros(700 * run.batches)).await;
                job.abort().await;
                Ok(())
            }
        };
        let ended = tokio::time::timeout(secs(8), end).await;
        let ended = ended.unwrap_or_else(|_| {
            panic!(
                "it does not end: {:?} {run:?} at {at} {:#?}",
                monitor.explain(),
                monitor.metrics().batches_delivered
            )
        });
        ended.unwrap_or_else(|error| panic!("{error} after {run:?} at {at}"));
    }
    sinks.iter().map(Lasting::delivered).collect()
}

fn batches() -> impl Strategy<Value = Vec<Vec<Pair>>> {
    vec(vec((0..6u8, -9..9i64), 0..6), 12)
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let run = (1..=3usize, 0..6u64, any::<bool>());
    vec(run.prop_map(|(workers, batches, gently)| Run { workers, batches, gently }), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn windows_and_histories(pairs in batches(), others in batches(), runs in runs()) {
        let make = |sink: &mut dyn FnMut() -> Lasting| keeping::Ports {
            pairs: queue(pairs.clone()), others: queue(others.clone()),
            window: sink(), window_changes: sink(), undone: sink(), stacks: sink(), ordered: sink(),
            groups: sink(), inverse: sink(), inverse_shown: sink(), running: sink(), running_groups: sink(),
            total: sink(), kept_total: sink(),
        };
        let (once, stopped) = block_on(async { (run(&[], 12, make).await, run(&runs, 12, make).await) });
        prop_assert_eq!(once, stopped);
    }

    #[test]
    fn states_joins_and_loops(pairs in batches(), others in batches(), runs in runs()) {
        let make = |sink: &mut dyn FnMut() -> Lasting| meeting::Ports {
            pairs: queue(pairs.clone()), others: queue(others.clone()),
            updated: sink(), updated_changes: sink(), expiring: sink(), mapped: sink(), states: sink(),
            joined: sink(), joined_changes: sink(), looked_up: sink(), from_history: sink(), grouped: sink(),
            differential: sink(), kept_join: sink(), reached: sink(), reached_changes: sink(),
            distinct_counts: sink(),
        };
        let (once, stopped) = block_on(async { (run(&[], 12, make).await, run(&runs, 12, make).await) });
        prop_assert_eq!(once, stopped);
    }
}
