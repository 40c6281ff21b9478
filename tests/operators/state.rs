//! The operators with state against a map that is brought up to date by hand, on random batches with empties,
//! duplicates, removals and keys that are idle for too long.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    BatchTime, JobError, ManualClock,
    connect::{Collected, collect, queue},
    prelude::*,
};

use support::{Pair, got, run, sorted};

stream!(
    /// The states of all keys, for ever and until they are idle.
    #[batch(secs(1))]
    fn updating<
        pairs: Source<Pair>,
        all: Sink<Pair>,
        all_changes: Sink<(Pair, i64)>,
        recent: Sink<Pair>,
        recent_changes: Sink<(Pair, i64)>,
    >(
        initial: Vec<Pair>,
        idle: u64,
        ordered: bool,
    ) {
        let lasting = pairs
            .update_state(move |key, state, values| {
                updated(BatchTime::default(), *key, state, values, ordered)
            })
            .allow_unbounded("a test");
        lasting.to(all);
        lasting.changes().to(all_changes);
        let forgotten = pairs
            .update_state_with(initial, move |time, key, state, values| {
                updated(time, *key, state, values, ordered)
            })
            .expire_after(millis(idle));
        forgotten.to(recent);
        forgotten.changes().to(recent_changes);
    }
);

/// A state of which the next depends on everything that a function is given. A worker gets the values of a key in
/// their order only if there is no other worker.
fn updated(time: BatchTime, key: u8, state: Option<i64>, values: &[i64], ordered: bool) -> Option<i64> {
    let values = if ordered { values.to_vec() } else { sorted(values.iter().copied()) };
    let old = state.unwrap_or(i64::from(key)).wrapping_add(time.as_millis() as i64 + 1);
    let new = values.iter().fold(old, |state, value| state.wrapping_mul(31).wrapping_add(*value));
    (new % 4 != 0).then_some(new)
}

stream!(
    /// What a function emits for each record, and the states that it leaves.
    #[batch(secs(1))]
    fn mapping<
        pairs: Source<Pair>,
        out: Sink<Step>,
        states: Sink<Pair>,
        changes: Sink<(Pair, i64)>,
        lasting_out: Sink<Step>,
        lasting_states: Sink<Pair>,
    >(
        initial: Vec<Pair>,
        idle: u64,
    ) {
        let (emitted, kept) =
            pairs.map_with_state_from(idle_for(millis(idle)), initial, |time, key, value, state| {
                mapped(time, *key, value, state)
            });
        emitted.to(out);
        kept.to(states);
        kept.changes().to(changes);
        let (lasting, all) = pairs
            .map_with_state(unbounded("a test"), |key, value, state: &mut KeyState<i64>| {
                mapped(BatchTime::default(), *key, value, state)
            });
        lasting.to(lasting_out);
        all.to(lasting_states);
    }
);

/// A call: its time, the key, the state that it had and the value; `None` for a key that is timing out.
type Step = (u64, u8, Option<i64>, Option<i64>);

enum Change {
    Leave,
    Remove,
    Update(i64),
}

/// What a value does to a state.
fn change(state: Option<i64>, value: i64) -> Change {
    match value.rem_euclid(4) {
        0 => Change::Remove,
        1 => Change::Leave,
        _ => Change::Update(state.unwrap_or(7).wrapping_mul(31).wrapping_add(value)),
    }
}

fn emits(value: Option<i64>) -> bool {
    value.is_none_or(|value| value % 3 != 0)
}

fn mapped(time: BatchTime, key: u8, value: Option<i64>, state: &mut KeyState<i64>) -> Option<Step> {
    let old = state.get().copied();
    assert_eq!(state.exists(), old.is_some());
    assert_eq!(state.is_timing_out(), value.is_none());
    match value.map_or(Change::Leave, |value| change(old, value)) {
        Change::Leave => {}
        Change::Remove => state.remove(),
        Change::Update(new) => state.update(new),
    }
    emits(value).then_some((time.as_millis(), key, old, value))
}

/// Adds the changes of each batch up and holds the sums against the contents.
fn add_up(changes: &Collected<(Pair, i64)>, contents: &[Vec<Pair>]) -> Result<(), TestCaseError> {
    let mut sum = BTreeMap::<Pair, i64>::new();
    for (batch, contents) in changes.batches().into_iter().zip(contents) {
        for (record, times) in batch.records {
            *sum.entry(record).or_default() += times;
        }
        sum.retain(|_, times| *times != 0);
        prop_assert!(sum.values().all(|times| *times == 1), "a key has one state: {sum:?}");
        prop_assert_eq!(&sum.keys().copied().collect::<Vec<_>>(), contents);
    }
    Ok(())
}

fn batches() -> impl Strategy<Value = Vec<Vec<Pair>>> {
    let batch = prop_oneof![1 => Just(Vec::new()), 2 => vec((0..6u8, -9..9i64), 0..12)];
    vec(batch, 1..10)
}

fn initial() -> impl Strategy<Value = Vec<Pair>> {
    vec((0..8u8, 1..9i64), 0..6)
}

/// In half seconds, so that some lie between two batches.
fn idle() -> impl Strategy<Value = u64> {
    (0..9u64).prop_map(|halves| halves * 500)
}

/// The contents of each batch: what `updated` makes of every key that is known or has values.
fn states(
    batches: &[Vec<Pair>],
    initial: &[Pair],
    idle: Option<u64>,
    timed: bool,
    ordered: bool,
) -> Vec<Vec<Pair>> {
    let mut states: BTreeMap<u8, (i64, u64)> =
        initial.iter().map(|&(key, state)| (key, (state, 1000))).collect();
    (1..)
        .zip(batches)
        .map(|(n, batch)| {
            let now = n * 1000;
            let fed: BTreeSet<u8> = batch.iter().map(|pair| pair.0).collect();
            let is_over = |key: u8, last: u64| {
                !fed.contains(&key) && last < now && idle.is_some_and(|idle| last + idle <= now)
            };
            states.retain(|key, (_, last)| !is_over(*key, *last));
            let keys: BTreeSet<u8> = states.keys().chain(&fed).copied().collect();
            for key in keys {
                let values: Vec<i64> = batch.iter().filter(|pair| pair.0 == key).map(|pair| pair.1).collect();
                let known = states.remove(&key);
                let time = if timed { BatchTime::from_millis(now) } else { BatchTime::default() };
                if let Some(new) = updated(time, key, known.map(|known| known.0), &values, ordered) {
                    let last = if values.is_empty() { known.expect("it is not new").1 } else { now };
                    states.insert(key, (new, last));
                }
            }
            states.iter().map(|(key, (state, _))| (*key, *state)).collect()
        })
        .collect()
}

/// What `mapped` emits for the records of each batch, and for the keys that time out in it; and the states.
type Mapped = (Vec<Step>, Vec<Step>, Vec<Pair>);

fn mappings(batches: &[Vec<Pair>], initial: &[Pair], idle: Option<u64>, timed: bool) -> Vec<Mapped> {
    let mut states: BTreeMap<u8, (i64, u64)> =
        initial.iter().map(|&(key, state)| (key, (state, 1000))).collect();
    (1..)
        .zip(batches)
        .map(|(n, batch)| {
            let now = n * 1000;
            let said = if timed { now } else { 0 };
            let mut emitted = Vec::new();
            for &(key, value) in batch {
                let old = states.get(&key).map(|known| known.0);
                match change(old, value) {
                    Change::Remove => drop(states.remove(&key)),
                    Change::Update(new) => drop(states.insert(key, (new, now))),
                    // A record keeps its key, if there is one.
                    Change::Leave => states.get_mut(&key).into_iter().for_each(|known| known.1 = now),
                }
                emitted.extend(emits(Some(value)).then_some((said, key, old, Some(value))));
            }
            let is_over = |last: u64| idle.is_some_and(|idle| last + idle < now);
            let over = states.iter().filter(|(_, (_, last))| is_over(*last));
            let timed_out = over.map(|(key, (state, _))| (said, *key, Some(*state), None)).collect();
            states.retain(|_, (_, last)| !is_over(*last));
            (emitted, timed_out, states.iter().map(|(key, (state, _))| (*key, *state)).collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn updated_states_equal_recomputation(
        batches in batches(),
        initial in initial(),
        idle in idle(),
        workers in 1..3usize,
    ) {
        let (n, ordered) = (batches.len(), workers == 1);
        let (all, got_all) = collect();
        let (all_changes, got_all_changes) = collect();
        let (recent, got_recent) = collect();
        let (recent_changes, got_recent_changes) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let pairs = queue(batches.clone());
            let initial = initial.clone();
            let ports = updating::Ports { pairs, all, all_changes, recent, recent_changes, initial, idle, ordered };
            engine.start(ports).expect("it starts")
        });
        let all = states(&batches, &[], None, false, ordered);
        prop_assert_eq!(got(&got_all, n), all.clone());
        add_up(&got_all_changes, &all)?;
        let recent = states(&batches, &initial, Some(idle), true, ordered);
        prop_assert_eq!(got(&got_recent, n), recent.clone());
        add_up(&got_recent_changes, &recent)?;
    }

    #[test]
    fn mapped_states_equal_recomputation(
        mut batches in batches(),
        initial in initial(),
        idle in idle(),
        workers in 1..3usize,
    ) {
        if workers > 1 {
            // Which of two records of a key comes first is not defined then.
            for batch in &mut batches {
                let mut seen = BTreeSet::new();
                batch.retain(|pair| seen.insert(pair.0));
            }
        }
        let n = batches.len();
        let (out, got_out) = collect();
        let (states, got_states) = collect();
        let (changes, got_changes) = collect();
        let (lasting_out, got_lasting_out) = collect();
        let (lasting_states, got_lasting_states) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let pairs = queue(batches.clone());
            let initial = initial.clone();
            let ports = mapping::Ports { pairs, out, states, changes, lasting_out, lasting_states, initial, idle };
            engine.start(ports).expect("it starts")
        });
        let check = |out: &Collected<Step>, states: &Collected<Pair>, expected: Vec<Mapped>| {
            for (batch, (emitted, timed_out, _)) in out.batches().into_iter().zip(&expected) {
                if workers == 1 {
                    let (first, last) = batch.records.split_at(emitted.len().min(batch.records.len()));
                    prop_assert_eq!(first, emitted, "in the order of the records");
                    prop_assert_eq!(sorted(last.iter().copied()), sorted(timed_out.iter().copied()));
                }
                prop_assert_eq!(sorted(batch.records), sorted(emitted.iter().chain(timed_out).copied()));
            }
            prop_assert_eq!(out.len(), n);
            prop_assert_eq!(got(states, n), expected.into_iter().map(|batch| batch.2).collect::<Vec<_>>());
            Ok(())
        };
        check(&got_out, &got_states, mappings(&batches, &initial, Some(idle), true))?;
        add_up(&got_changes, &got(&got_states, n))?;
        check(&got_lasting_out, &got_lasting_states, mappings(&batches, &[], None, false))?;
    }
}

stream!(
    /// State on a window: its function runs where the window is delivered, and gets all of it.
    #[batch(secs(1))]
    fn of_windows<pairs: Source<Pair>, updated: Sink<Pair>, mapped: Sink<Pair>>() {
        let recent = pairs.window(secs(4), secs(2));
        recent
            .update_state(|_, calls, values| Some(calls.unwrap_or(0) + 100 + values.len() as i64))
            .allow_unbounded("a test")
            .to(updated);
        let (numbers, _) =
            recent.map_with_state(unbounded("a test"), |key, _, number: &mut KeyState<i64>| {
                number.update(number.get().copied().unwrap_or(0) + 1);
                number.get().map(|number| (*key, *number))
            });
        numbers.to(mapped);
    }
);

#[test]
fn state_on_a_window_changes_when_the_window_is_delivered() {
    for workers in [1, 2] {
        let batches = vec![vec![(1, 5)], vec![], vec![(1, 6)], vec![], vec![], vec![]];
        let (updated, got_updated) = collect();
        let (mapped, got_mapped) = collect();
        run(Engine::new().workers(workers), 6, |engine| {
            engine.start(of_windows::Ports { pairs: queue(batches), updated, mapped }).expect("it starts")
        });
        let due = |collected: &Collected<Pair>| -> Vec<_> {
            collected.batches().into_iter().map(|batch| (batch.time.as_millis(), batch.records)).collect()
        };
        let expected = [(2000, vec![(1, 101)]), (4000, vec![(1, 203)]), (6000, vec![(1, 304)])];
        assert_eq!(due(&got_updated), expected);
        let expected = [(2000, vec![(1, 1)]), (4000, vec![(1, 2), (1, 3)]), (6000, vec![(1, 4)])];
        assert_eq!(due(&got_mapped), expected);
    }
}

stream!(
    #[batch(secs(1))]
    fn misused<pairs: Source<Pair>, out: Sink<i64>>(how: fn(&mut KeyState<i64>)) {
        let (emitted, _) = pairs.map_with_state(idle_for(millis(0)), move |_, value, state| {
            match value {
                Some(0) => state.update(1),
                _ => how(state),
            }
            value
        });
        emitted.to(out);
    }
);

#[tokio::test]
async fn a_state_that_is_gone_cannot_be_used() {
    type Misuse = (fn(&mut KeyState<i64>), Pair, &'static str);
    let removed = "after it was removed in the same call";
    let cases: [Misuse; 4] = [
        (|state| (state.remove(), state.update(1)).1, (1, 1), removed),
        (|state| (state.remove(), state.remove()).1, (1, 1), removed),
        (|state| state.update(1), (1, 0), "a state that is timing out cannot be updated"),
        (|state| state.remove(), (1, 0), "a state that is timing out cannot be removed"),
    ];
    for (how, pair, says) in cases {
        let clock = ManualClock::new();
        let (out, _) = collect();
        let ports = misused::Ports { pairs: queue(vec![vec![pair], vec![]]), out, how };
        let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
        clock.advance(secs(2));
        let Err(JobError::OperatorPanicked { operator, message }) = job.join().await else {
            panic!("a misuse ends the job: {says}");
        };
        assert_eq!(operator, "misused/emitted/map_with_state");
        assert!(message.contains(says), "`{message}` does not say `{says}`");
    }
}
