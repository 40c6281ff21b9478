//! Functions of the user's over whole batches, against the same functions over lists.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    connect::{Collected, collect, queue},
    prelude::*,
};
use support::{run, sorted};

stream!(
    /// `transform` and what is made of it, of batches and of windows.
    #[batch(secs(1))]
    fn transforming<
        left: Source<i64>,
        right: Source<i64>,
        seen: Sink<(u64, Vec<i64>)>,
        pairs: Sink<(Vec<i64>, Vec<i64>)>,
        parts: Sink<Vec<i64>>,
        lengths: Sink<u64>,
        recent: Sink<(u64, Vec<i64>)>,
        recent_pairs: Sink<(Vec<i64>, Vec<i64>)>,
    >(
        partitions: usize,
        slide: Duration,
    ) {
        left.transform(|time, batch| [(time.as_millis(), batch)]).to(seen);
        left.transform_with(right, |_, left, right| [(left, right)]).to(pairs);
        left.glom(partitions).to(parts);
        left.map_partitions(partitions, |part| [part.len() as u64]).to(lengths);
        let window = left.window(3 * slide, slide);
        window.transform(|time, batch| [(time.as_millis(), batch)]).to(recent);
        let other = right.window(slide, slide).distinct();
        window.transform_with(other, |_, left, right| [(left, right)]).to(recent_pairs);
    }
);

fn batches() -> impl Strategy<Value = Vec<Vec<i64>>> {
    vec(vec(-5..5i64, 0..20), 1..8)
}

/// The batches of a sink, which must be as many as are due, but for one that windows may have at the end.
fn got<T: Clone>(collected: &Collected<T>, due: usize) -> Vec<Vec<T>> {
    assert!((due..=due + 1).contains(&collected.len()));
    collected.batches().into_iter().take(due).map(|batch| batch.records).collect()
}

/// How a source deals a batch out over workers, of which `next` gets the first part: the parts in the workers' order.
fn dealt(batch: &[i64], workers: usize, next: &mut usize) -> Vec<i64> {
    let mut parts = vec![Vec::new(); workers];
    for part in batch.chunks(batch.len().div_ceil(workers).max(1)) {
        parts[*next].extend_from_slice(part);
        *next = (*next + 1) % workers;
    }
    // An empty batch is sent as one part too, if it is the whole of it.
    parts.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn transforms_equal_functions_of_lists(
        left in batches(),
        right in batches(),
        partitions in 1..5usize,
        slide in 1..4usize,
        workers in 1..4usize,
    ) {
        let n = left.len().max(right.len());
        let ((seen, got_seen), (pairs, got_pairs)) = (collect(), collect());
        let ((parts, got_parts), (lengths, got_lengths)) = (collect(), collect());
        let ((recent, got_recent), (recent_pairs, got_recent_pairs)) = (collect(), collect());
        run(Engine::new().workers(workers), n, |engine| {
            let (left, right) = (queue(left.clone()), queue(right.clone()));
            let slide = secs(slide as u64);
            let ports = transforming::Ports {
                left, right, seen, pairs, parts, lengths, recent, recent_pairs, partitions, slide,
            };
            engine.start(ports).expect("it starts")
        });
        let batch = |side: &[Vec<i64>], i: usize| side.get(i).cloned().unwrap_or_default();
        let mut next = 0;
        for i in 0..n {
            let (l, r) = (batch(&left, i), batch(&right, i));
            let arrived = dealt(&l, workers, &mut next);
            prop_assert_eq!(&got(&got_seen, n)[i], &[(1000 * (i as u64 + 1), arrived.clone())]);
            let (got_left, got_right) = got(&got_pairs, n)[i][0].clone();
            prop_assert_eq!(&got_left, &arrived);
            prop_assert_eq!(sorted(got_right), sorted(r));
            let part = |i: usize| i * arrived.len() / partitions;
            let cut: Vec<_> = (0..partitions).map(|i| arrived[part(i)..part(i + 1)].to_vec()).collect();
            prop_assert_eq!(got(&got_lengths, n)[i].clone(), cut.iter().map(|part| part.len() as u64).collect::<Vec<_>>());
            prop_assert_eq!(&got(&got_parts, n)[i], &cut);
        }
        let due = n / slide;
        for (i, at) in (1..=due).map(|i| i * slide).enumerate() {
            let window = |side: &[Vec<i64>], size: usize| {
                sorted((at.saturating_sub(size)..at).flat_map(|i| batch(side, i)))
            };
            let (time, records) = got(&got_recent, due)[i][0].clone();
            prop_assert_eq!((time, sorted(records)), (1000 * at as u64, window(&left, 3 * slide)));
            let (l, r) = got(&got_recent_pairs, due)[i][0].clone();
            let mut distinct = window(&right, slide);
            distinct.dedup();
            prop_assert_eq!((sorted(l), sorted(r)), (window(&left, 3 * slide), distinct));
        }
    }
}
