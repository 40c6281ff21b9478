//! What operators keep, by family.

use streaming_runtime::{
    ManualClock,
    aggregate::sum,
    connect::{collect, queue},
    metrics::JobMetrics,
    prelude::*,
};

use super::at_the_end;

type Pair = (u8, i64);
type Met = (u8, (i64, i64));

stream!(
    #[batch(secs(1))]
    fn families<
        a: Source<Pair>,
        b: Source<Pair>,
        per_batch: Sink<Pair>,
        sums: Sink<Pair>,
        stacks: Sink<Pair>,
        whole: Sink<Pair>,
        updated: Sink<Pair>,
        mapped: Sink<Pair>,
        met: Sink<Met>,
        arranged: Sink<Met>,
        ever: Sink<Pair>,
        looped: Sink<(u8, u8)>,
    >() {
        a.reduce_by_key(|x, y| x + y).to(per_batch);
        let recent = a.window(secs(2), secs(1));
        recent.aggregate_by_key(sum()).to(sums);
        recent.reduce_by_key(i64::max).to(stacks);
        recent.to(whole);
        let totals = a.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>()));
        totals.allow_unbounded("a test has an end").to(updated);
        let keeps = unbounded("a test has an end");
        let (_, states) = a.map_with_state(keeps, |_, value, last: &mut KeyState<i64>| {
            last.update(value.unwrap_or(0));
            None::<i64>
        });
        states.to(mapped);
        let others = b.window(secs(2), secs(1));
        recent.join(others).to(met);
        let other_pairs = others.distinct();
        recent.distinct().join(other_pairs).to(arranged);
        let history = a.history().allow_unbounded("a test has an end");
        history.reduce_by_key(|x, y| x + y).to(ever);
        let links = history.map(|(key, value)| (key, value as u8));
        let least = links.iterate(|least| least.union(links).reduce_by_key(u8::min));
        least.to(looped);
    }
);

async fn kept(workers: usize, batches: usize) -> JobMetrics {
    let left = [vec![(1, 10), (2, 20), (1, 5)], vec![(2, 1), (3, 1)], vec![(1, 1)], vec![], vec![]];
    let right = [vec![(1, 1)], vec![(1, 2)], vec![(2, 2)], vec![], vec![]];
    let clock = ManualClock::new();
    let job = Engine::new().workers(workers).manual_clock(&clock).start(families::Ports {
        a: queue(left[..batches].to_vec()),
        b: queue(right[..batches].to_vec()),
        per_batch: collect().0,
        sums: collect().0,
        stacks: collect().0,
        whole: collect().0,
        updated: collect().0,
        mapped: collect().0,
        met: collect().0,
        arranged: collect().0,
        ever: collect().0,
        looped: collect().0,
    });
    clock.advance(secs(batches as u64));
    at_the_end(job.expect("it starts")).await
}

fn records(metrics: &JobMetrics, id: &str) -> u64 {
    let operator =
        metrics.operator(id).unwrap_or_else(|| panic!("{id} is none of {:?}", families::OPERATORS));
    let per_record = operator.state_bytes as f64 / operator.state_records as f64;
    assert!(operator.state_records == 0 || per_record >= 1.0, "{operator:?}");
    operator.state_records
}

#[tokio::test]
async fn state_is_counted_in_entries() {
    for workers in [1, 2] {
        // The last window has batches 2 and 3: keys 2, 3 and 1, each in one pane.
        let metrics = kept(workers, 3).await;
        let records = |id| records(&metrics, id);
        let gathered = 1; // of the last batch
        assert_eq!(records("families/sums/aggregate_by_key"), 3 + 3 + gathered);
        assert_eq!(records("families/stacks/reduce_by_key"), 3 + 3 + gathered);
        assert_eq!(records("families/whole/to"), 3 + 3, "the window, and the batch that it is to the sink");
        assert_eq!(records("families/totals/update_state"), 3);
        assert_eq!(records("families/states/map_with_state"), 3);
        assert_eq!(records("families/met/join"), 3 + 3 + 2, "three keys, three values and two");
        assert_eq!(records("families/ever/reduce_by_key"), 3 + gathered);
        assert!(records("families/arranged/join") >= 3 + 2, "both sides are arranged");
        assert!(records("families/least/iterate") + records("families/least/loop/reduce_by_key") >= 3);
        if workers == 1 {
            assert_eq!(records("families/per_batch/reduce_by_key"), gathered);
        }
    }
}

#[tokio::test]
async fn what_left_is_not_counted() {
    for workers in [1, 2] {
        let metrics = kept(workers, 5).await;
        let records = |id| records(&metrics, id);
        for id in [
            "per_batch/reduce_by_key",
            "sums/aggregate_by_key",
            "stacks/reduce_by_key",
            "whole/to",
            "met/join",
        ] {
            assert_eq!(records(&*format!("families/{id}").leak()), 0, "{id}");
        }
        assert_eq!(records("families/totals/update_state"), 3);
        assert_eq!(records("families/ever/reduce_by_key"), 3);
    }
}

#[tokio::test]
async fn the_join_of_kept_streams_is_counted_as_a_join() {
    for workers in [1, 2] {
        let metrics = kept(workers, 3).await;
        let join = metrics.operator("families/arranged/join").expect("an operator");
        // Windows of one and two pairs, three and two, and three and two: what changes on both sides.
        assert!(!join.is_fused && join.records_in >= 5, "{join:?}");
        assert!(join.records_out >= 2 && !join.busy.is_zero(), "{join:?}");
    }
}
