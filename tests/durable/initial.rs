//! Initial states are a part of what a job keeps, from its start on.

use std::collections::HashMap;

use streaming_runtime::{Checkpoint, Job, ManualClock, Pipeline, connect::queue, prelude::*};

use support::{Delivered, Lasting};

use crate::fidelity::refused;

type Pair = (u8, i64);

stream!(
    /// States that are due every four seconds, and in each batch.
    #[batch(secs(1))]
    fn keeping<
        pairs: Source<Pair>,
        slow: Sink<Pair>,
        slow_changes: Sink<(Pair, i64)>,
        fast: Sink<Pair>,
        emitted: Sink<Pair>,
        states: Sink<Pair>,
        derived: Sink<Pair>,
    >(
        known: HashMap<u8, i64>,
    ) {
        let recent = pairs.window(secs(4), secs(4));
        let slowly = recent.update_state_with(known.clone(), |_, _, state, new: &[i64]| {
            Some(state.unwrap_or(0) + new.iter().sum::<i64>())
        });
        let slowly = slowly.expire_after(secs(8));
        slowly.to(slow);
        slowly.changes().to(slow_changes);
        slowly.map(|(key, n)| (key % 2, n)).reduce_by_key(|a, b| a + b).to(derived);
        pairs
            .update_state_with(known.clone(), |_, _, state, new: &[i64]| {
                Some(state.unwrap_or(0) + new.iter().sum::<i64>())
            })
            .expire_after(secs(5))
            .to(fast);
        let (one, all) = recent.map_with_state_from(idle_for(secs(9)), known, |_, key, value, state| {
            let sum = state.get().copied().unwrap_or(0) + value.unwrap_or(0);
            if !state.is_timing_out() {
                state.update(sum);
            }
            Some((*key, sum))
        });
        one.to(emitted);
        all.to(states);
    }
);

const BATCHES: u64 = 14;

fn known() -> HashMap<u8, i64> {
    // Another map is gone through in another order.
    (0..7).map(|key| (key, 100 * i64::from(key))).collect()
}

fn keeping(sinks: &[Lasting; 6]) -> impl Pipeline {
    let batches = (0..BATCHES as i64).map(|n| if n % 3 == 2 { vec![] } else { vec![(n as u8 % 5, n)] });
    let [slow, slow_changes, fast, emitted, states, derived] = sinks.clone();
    keeping::Ports {
        pairs: queue(batches.collect()),
        slow,
        slow_changes,
        fast,
        emitted,
        states,
        derived,
        known: known(),
    }
}

async fn advance(job: &mut Job, clock: &ManualClock, batches: u64) {
    for _ in 0..batches {
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("delivered");
    }
}

/// Stops after so many batches each time, in order or not, and with other numbers of workers, and then runs to the end.
async fn run(stops: &[(u64, bool)]) -> [Delivered; 6] {
    let state = tempfile::tempdir().expect("temp");
    let (clock, sinks) = (ManualClock::new(), <[Lasting; 6]>::default());
    let last = (BATCHES - stops.iter().map(|(batches, _)| batches).sum::<u64>(), true);
    for (nth, (batches, gently)) in stops.iter().copied().chain([last]).enumerate() {
        let checkpoint = Checkpoint::new(state.path()).segment_bytes(1);
        let engine = Engine::new().workers(1 + nth % 3).manual_clock(&clock).checkpoint(checkpoint);
        let mut job = engine.start(keeping(&sinks)).unwrap_or_else(|error| panic!("{error}"));
        advance(&mut job, &clock, batches).await;
        match gently {
            true => job.stop().await.expect("stops"),
            false => job.abort().await,
        }
    }
    sinks.map(|sink| sink.delivered())
}

#[tokio::test]
async fn they_are_there_whenever_the_job_is_started_again() {
    let once = run(&[]).await;
    assert!(once[0].values().next().is_some_and(|first| first.len() == 7), "{:?}", once[0]);
    let cases: [&[(u64, bool)]; 10] = [
        &[(0, true)],
        &[(1, true)],
        &[(1, false)],
        &[(3, true)],
        &[(0, false), (1, true), (2, false)],
        &[(3, true), (1, true)],
        &[(4, true)],
        &[(4, false), (1, true)],
        &[(5, false), (3, true), (1, false)],
        &[(12, true)],
    ];
    for stops in cases {
        assert_eq!(run(stops).await, once, "stopped as {stops:?}");
    }
}

stream!(
    #[batch(secs(1))]
    fn with<pairs: Source<Pair>, out: Sink<Pair>>(known: Vec<Pair>) {
        let sums = pairs.update_state_with(known, |_, _, state, new: &[i64]| {
            Some(state.unwrap_or(0) + new.iter().sum::<i64>()).filter(|sum| *sum < 1000)
        });
        sums.allow_unbounded("a test").to(out);
    }
);

const ID: &str = "with/sums/update_state_with";

fn with(known: &[Pair], out: &Lasting) -> impl Pipeline {
    let batches = (0..9).map(|_| vec![(1, 1)]).collect();
    with::Ports { pairs: queue(batches), out: out.clone(), known: known.to_vec() }
}

async fn one_batch(checkpoint: impl Into<Checkpoint>, clock: &ManualClock, pipeline: impl Pipeline) {
    let engine = Engine::new().manual_clock(clock).checkpoint(checkpoint);
    let mut job = engine.start(pipeline).unwrap_or_else(|error| panic!("{error}"));
    advance(&mut job, clock, 1).await;
    job.stop().await.expect("stops");
}

#[tokio::test]
async fn others_than_it_began_with_have_to_be_answered() {
    let (first, other): (&[Pair], &[Pair]) = (&[(1, 10), (2, 20)], &[(1, 10), (2, 21)]);
    for (begins, comes, how) in [(&[] as &[Pair], first, "without any"), (first, other, "with others")] {
        let state = tempfile::tempdir().expect("temp");
        let (clock, out) = (ManualClock::new(), Lasting::default());
        one_batch(state.path(), &clock, with(begins, &out)).await;
        let before = out.last();
        let (code, said) = refused(state.path(), with(comes, &out));
        assert_eq!(code, "checkpoint.incompatible");
        for word in [ID, how, ".keeps(", ".forget("] {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
        // Those that it began with, or none, are no question.
        one_batch(state.path(), &clock, with(begins, &out)).await;
        one_batch(state.path(), &clock, with(&[], &out)).await;
        assert_eq!(out.last().len(), before.len());
        let keeps = || Checkpoint::new(state.path()).keeps(ID);
        one_batch(keeps(), &clock, with(comes, &out)).await;
        one_batch(keeps(), &clock, with(comes, &out)).await;
        assert_eq!(out.last().len(), before.len(), "they were left out");
        one_batch(state.path(), &clock, with(begins, &out)).await;
        one_batch(Checkpoint::new(state.path()).forget(ID), &clock, with(comes, &out)).await;
        let anew: Vec<String> = [(1, 11), comes[1]].iter().map(|pair| format!("{pair:?}")).collect();
        assert_eq!(out.last(), anew, "it began anew");
        one_batch(state.path(), &clock, with(comes, &out)).await;
    }
    let state = tempfile::tempdir().expect("temp");
    let engine = Engine::new().checkpoint(Checkpoint::new(state.path()).keeps("with/typo"));
    let error = engine.start(with(&[], &Lasting::default())).err().expect("there is no such operator");
    assert!(error.to_string().contains("with/typo"), "{error}");
}

/// All that came of them is gone again: that is no reason to take them in a second time.
#[tokio::test]
async fn what_went_does_not_come_again() {
    let state = tempfile::tempdir().expect("temp");
    let (clock, out) = (ManualClock::new(), Lasting::default());
    let checkpoint = || Checkpoint::new(state.path()).segment_bytes(1);
    for _ in 0..4 {
        one_batch(checkpoint(), &clock, with(&[(7, 2000), (8, 3000)], &out)).await;
    }
    let said: Vec<_> = out.delivered().into_values().collect();
    assert_eq!(said, [["(1, 1)"], ["(1, 2)"], ["(1, 3)"], ["(1, 4)"]]);
}

/// An operator that never had a batch for which it was due has nothing yet, whatever else the checkpoint has.
#[tokio::test]
async fn what_was_never_taken_in_may_be_others() {
    let state = tempfile::tempdir().expect("temp");
    let (clock, out) = (ManualClock::new(), Lasting::default());
    let engine = Engine::new().manual_clock(&clock).checkpoint(state.path());
    engine.start(with(&[(5, 5)], &out)).expect("starts").stop().await.expect("stops");
    one_batch(state.path(), &clock, with(&[(6, 6)], &out)).await;
    let last = out.last();
    assert!(last == ["(1, 1)", "(6, 6)"] || last == ["(5, 5)"], "{last:?}");
}
