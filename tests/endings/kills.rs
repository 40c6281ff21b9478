//! Jobs that are aborted anywhere, also in the middle of their end, and started again.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    ManualClock, StartError,
    checkpoint::CheckpointError,
    connect::{Batch, queue},
    prelude::*,
};

use crate::work::{History, Outputs, check, try_start};

/// Each batch once. One that came again is as it was.
fn once<T: Clone + Ord + std::fmt::Debug>(batches: &mut Vec<Batch<T>>) {
    let mut all = BTreeMap::<_, Batch<T>>::new();
    for batch in batches.drain(..) {
        let mut sorted = batch.records.clone();
        sorted.sort();
        let batch = Batch { time: batch.time, records: sorted };
        if let Some(before) = all.insert(batch.time, batch.clone()) {
            assert_eq!(before, batch, "it came again as another");
        }
    }
    batches.extend(all.into_values());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 15, ..ProptestConfig::default() })]

    #[test]
    fn as_if_there_had_been_no_crash(
        batches in vec(vec(0..40_u64, 0..4), 2..16),
        aborts in vec((1..20_u64, 0..400_u32), 0..6),
        cuts in crate::random::cuts(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let directory = tempfile::tempdir().expect("a directory");
        let (clock, mut outputs) = (ManualClock::new(), Outputs::default());
        runtime.block_on(async {
            for (nth, abort) in aborts.iter().map(Some).chain([None, None]).enumerate() {
                let engine = Engine::new().workers(1 + nth % 3).manual_clock(&clock);
                let engine = engine.checkpoint(streaming_runtime::Checkpoint::new(directory.path()).segment_bytes(3000));
                // One that was aborted may still be writing, on a loaded machine: the place is free when that is done.
                let mut running = loop {
                    match try_start(&engine, queue(batches.clone()), cuts) {
                        Err(StartError::Checkpoint(CheckpointError::Taken { .. })) => tokio::task::yield_now().await,
                        started => break started.expect("it starts"),
                    }
                };
                match abort {
                    Some((seconds, yields)) => {
                        clock.advance(secs(*seconds));
                        for _ in 0..*yields {
                            tokio::task::yield_now().await;
                        }
                        running.abort().await;
                    }
                    None => {
                        clock.advance(secs(100));
                        running.job().join().await.expect("it ends well");
                    }
                }
                running.add_to(&mut outputs);
            }
        });
        let Outputs { batches: copied, counts, totals, first, second, sums, changes, outer, seen, shown, pairs } = &mut outputs;
        once(copied);
        once(counts);
        once(totals);
        once(first);
        once(second);
        once(sums);
        once(changes);
        once(outer);
        once(seen);
        once(shown);
        once(pairs);
        let what = format!("{cuts:?}, aborted at {aborts:?}, {batches:?}");
        // One that was aborted before its first batch began later, when it was started again.
        let first = outputs.batches.first().map_or(1, |batch| batch.time.as_millis() / 1000);
        let regular = (first..).zip(batches.iter().cloned()).collect();
        let history = History { regular, ends: vec![first + batches.len() as u64 - 1] };
        check(&outputs, &history, cuts, false, &what);
    }
}
