//! A pipeline with windows of several slides, and what it must deliver.

use std::{collections::BTreeMap, time::Duration};

use streaming_runtime::{
    BatchTime, Job, StartError,
    connect::{Batch, Collected, collect},
    prelude::*,
};

/// A window's size and slide.
pub type Cut = (Duration, Duration);

stream!(
    /// Windows of two slides, windows behind windows, and what is made of each batch.
    #[batch(secs(1))]
    pub fn several<
        numbers: Source<u64>,
        batches: Sink<u64>,
        counts: Sink<i64>,
        totals: Sink<(u64, i64)>,
        first: Sink<u64>,
        second: Sink<u64>,
        sums: Sink<(u64, u64)>,
        changes: Sink<((u64, u64), i64)>,
        outer: Sink<u64>,
        seen: Sink<(u64, u64)>,
        shown: Sink<u64>,
        pairs: Sink<(u64, (u64, u64))>,
    >(
        one: (Duration, Duration),
        other: (Duration, Duration),
        behind: (Duration, Duration),
    ) {
        numbers.to(batches);
        numbers.count().to(counts);
        let totals_of = numbers
            .map(|n| (n % 3, 1))
            .update_state(|_, n: Option<i64>, new| Some(n.unwrap_or(0) + new.iter().sum::<i64>()));
        totals_of.allow_unbounded("three keys").to(totals);
        let windows = numbers.window(one.0, one.1);
        windows.to(first);
        numbers.window(other.0, other.1).to(second);
        let keyed = numbers.map(|n| (n % 5, n)).window(one.0, one.1);
        let summed = keyed.reduce_by_key(|a, b| a + b);
        summed.to(sums);
        summed.changes().to(changes);
        windows.snapshot().window(behind.0, behind.1).to(outer);
        let (emitted, _) = windows.snapshot().map(|n| (n, ())).map_with_state(
            unbounded("a test"),
            |n, _, times: &mut KeyState<u64>| {
                let so_far = times.get().copied().unwrap_or(0) + 1;
                times.update(so_far);
                Some((*n, so_far))
            },
        );
        emitted.to(seen);
        windows.snapshot().transform(|_, numbers| numbers.into_iter().max()).to(shown);
        keyed.join(numbers.map(|n| (n % 5, n)).window(one.0 + one.1, one.1)).to(pairs);
    }
);

/// What a sink got: the times in milliseconds, and the records in order.
pub type Got<T> = Vec<(u64, Vec<T>)>;

pub fn got<T: Clone + Ord>(batches: &[Batch<T>]) -> Got<T> {
    let sorted = |batch: &Batch<T>| {
        let mut records = batch.records.clone();
        records.sort();
        (batch.time.as_nanos() / 1_000_000, records)
    };
    batches.iter().map(sorted).collect()
}

/// All that several starts of the pipeline deliver.
#[derive(Default)]
pub struct Outputs {
    pub batches: Vec<Batch<u64>>,
    pub counts: Vec<Batch<i64>>,
    pub totals: Vec<Batch<(u64, i64)>>,
    pub first: Vec<Batch<u64>>,
    pub second: Vec<Batch<u64>>,
    pub sums: Vec<Batch<(u64, u64)>>,
    pub changes: Vec<Batch<((u64, u64), i64)>>,
    pub outer: Vec<Batch<u64>>,
    pub seen: Vec<Batch<(u64, u64)>>,
    pub shown: Vec<Batch<u64>>,
    pub pairs: Vec<Batch<(u64, (u64, u64))>>,
}

/// The sinks of one start.
pub struct Running {
    pub job: Option<Job>,
    batches: Collected<u64>,
    counts: Collected<i64>,
    totals: Collected<(u64, i64)>,
    first: Collected<u64>,
    second: Collected<u64>,
    sums: Collected<(u64, u64)>,
    changes: Collected<((u64, u64), i64)>,
    outer: Collected<u64>,
    seen: Collected<(u64, u64)>,
    shown: Collected<u64>,
    pairs: Collected<(u64, (u64, u64))>,
}

pub fn start(engine: &Engine, numbers: impl Source<u64>, cuts: (Cut, Cut, Cut)) -> Running {
    try_start(engine, numbers, cuts).expect("it starts")
}

pub fn try_start(
    engine: &Engine,
    numbers: impl Source<u64>,
    cuts: (Cut, Cut, Cut),
) -> Result<Running, StartError> {
    let (batches_sink, batches) = collect();
    let (counts_sink, counts) = collect();
    let (totals_sink, totals) = collect();
    let (first_sink, first) = collect();
    let (second_sink, second) = collect();
    let (sums_sink, sums) = collect();
    let (changes_sink, changes) = collect();
    let (outer_sink, outer) = collect();
    let (seen_sink, seen) = collect();
    let (shown_sink, shown) = collect();
    let (pairs_sink, pairs) = collect();
    let ports = several::Ports {
        numbers,
        batches: batches_sink,
        counts: counts_sink,
        totals: totals_sink,
        first: first_sink,
        second: second_sink,
        sums: sums_sink,
        changes: changes_sink,
        outer: outer_sink,
        seen: seen_sink,
        shown: shown_sink,
        pairs: pairs_sink,
        one: cuts.0,
        other: cuts.1,
        behind: cuts.2,
    };
    let job = Some(engine.start(ports)?);
    Ok(Running { job, batches, counts, totals, first, second, sums, changes, outer, seen, shown, pairs })
}

impl Running {
    pub fn job(&mut self) -> &mut Job {
        self.job.as_mut().expect("it was not aborted")
    }

    /// As a crash would.
    pub async fn abort(&mut self) {
        self.job.take().expect("it was not aborted").abort().await;
    }

    pub fn add_to(self, all: &mut Outputs) {
        all.batches.extend(self.batches.batches());
        all.counts.extend(self.counts.batches());
        all.totals.extend(self.totals.batches());
        all.first.extend(self.first.batches());
        all.second.extend(self.second.batches());
        all.sums.extend(self.sums.batches());
        all.changes.extend(self.changes.batches());
        all.outer.extend(self.outer.batches());
        all.seen.extend(self.seen.batches());
        all.shown.extend(self.shown.batches());
        all.pairs.extend(self.pairs.batches());
    }
}

/// What is delivered at a slide: when, and what.
type Slides<T> = Vec<(u64, Vec<T>)>;

/// The batches of a job, by their times in seconds, of which those at the end have another meaning.
#[derive(Clone, Default, Debug)]
pub struct History {
    pub regular: BTreeMap<u64, Vec<u64>>,
    /// The last regular batch before each end.
    pub ends: Vec<u64>,
}

impl History {
    /// So many records a second from the first second on, then the end.
    pub fn of(batches: &[Vec<u64>]) -> History {
        let regular: BTreeMap<_, _> = (1..).zip(batches.iter().cloned()).collect();
        let ends = regular.keys().next_back().copied().into_iter().collect();
        History { regular, ends }
    }

    /// When something of this slide is due, and whether that is at the end.
    fn due(&self, slide: u64) -> Vec<(u64, bool)> {
        let regular =
            self.regular.keys().filter(|time| time.is_multiple_of(slide)).map(|time| (*time, false));
        let ends = self.ends.iter().filter(|from| !from.is_multiple_of(slide));
        let ends = ends.map(|from| (from.next_multiple_of(slide), true));
        let mut all: Vec<_> = regular.chain(ends).collect();
        all.sort();
        all
    }

    fn window<T: Clone + Ord>(&self, of: &Slides<T>, (size, slide): Cut) -> Slides<T> {
        let (size, slide) = (size.as_secs(), slide.as_secs());
        let due = self.due(slide).into_iter().map(|(time, at_end)| {
            let is_in = |&&(at, _): &&(u64, Vec<T>)| at <= time && at + size > time;
            let mut records: Vec<T> =
                of.iter().filter(is_in).flat_map(|(_, records)| records.clone()).collect();
            records.sort();
            (time, records, at_end)
        });
        // At the end there is a batch only if there is something in it.
        let due = due.filter(|(_, records, at_end)| !at_end || !records.is_empty());
        due.map(|(time, records, _)| (time, records)).collect()
    }
}

fn millis_of<T>(slides: Slides<T>) -> Got<T> {
    slides.into_iter().map(|(time, records)| (1000 * time, records)).collect()
}

/// Each batch with records, made of what another has.
fn made<T, U: Ord>(slides: &Slides<T>, mut make: impl FnMut(&[T]) -> Vec<U>) -> Slides<U> {
    let make = |(time, records): &(u64, Vec<T>)| {
        let mut made = make(records);
        made.sort();
        (*time, made)
    };
    slides.iter().map(make).collect()
}

fn sums_of(records: &[u64]) -> Vec<(u64, u64)> {
    let mut sums = BTreeMap::new();
    records.iter().for_each(|n| *sums.entry(n % 5).or_default() += n);
    sums.into_iter().collect()
}

/// The sum of all changes, batch by batch.
fn summed(changes: &[Batch<((u64, u64), i64)>]) -> Got<(u64, u64)> {
    let mut contents = BTreeMap::<(u64, u64), i64>::new();
    let after = |batch: &Batch<((u64, u64), i64)>| {
        for (record, times) in &batch.records {
            *contents.entry(*record).or_default() += times;
        }
        contents.retain(|_, times| *times != 0);
        assert!(contents.values().all(|times| *times == 1), "{contents:?}");
        (batch.time.as_millis(), contents.keys().copied().collect())
    };
    changes.iter().map(after).collect()
}

/// What was delivered, against going through everything for each slide. `early` says that batches were closed between
/// boundaries, so that what is new in each batch came in other pieces.
pub fn check(outputs: &Outputs, history: &History, cuts: (Cut, Cut, Cut), early: bool, what: &str) {
    let (one, other, behind) = cuts;
    let batches: Slides<u64> =
        history.regular.iter().map(|(time, records)| (*time, records.clone())).collect();
    if !early {
        let mut sorted = batches.clone();
        sorted.iter_mut().for_each(|(_, records)| records.sort());
        let counts: Got<i64> =
            batches.iter().map(|(t, records)| (1000 * t, vec![records.len() as i64])).collect();
        assert_eq!(got(&outputs.batches), millis_of(sorted), "batches: {what}");
        assert_eq!(got(&outputs.counts), counts, "counts: {what}");
        assert_eq!(outputs.totals.len(), batches.len(), "totals: {what}");
    }
    let numbers: usize = batches.iter().map(|(_, records)| records.len()).sum();
    assert_eq!(outputs.batches.iter().map(|batch| batch.records.len()).sum::<usize>(), numbers, "{what}");
    let first = history.window(&batches, one);
    assert_eq!(got(&outputs.first), millis_of(first.clone()), "first: {what}");
    assert_eq!(got(&outputs.second), millis_of(history.window(&batches, other)), "second: {what}");
    let sums = made(&first, sums_of);
    assert_eq!(got(&outputs.sums), millis_of(sums.clone()), "sums: {what}");
    // At the end there are changes also where nothing is left, and none where all is as it was.
    let told: BTreeMap<u64, Vec<(u64, u64)>> = summed(&outputs.changes).into_iter().collect();
    for (time, contents) in millis_of(sums.clone()) {
        let last = told.range(..=time).next_back().map(|(_, last)| last.clone()).unwrap_or_default();
        assert_eq!(last, contents, "changes at {time}: {what}");
    }
    assert_eq!(got(&outputs.outer), millis_of(history.window(&first, behind)), "outer: {what}");
    let mut times = BTreeMap::<u64, u64>::new();
    let seen = made(&first, |records| {
        let mut seen = Vec::new();
        for n in records {
            let so_far = times.entry(*n).or_default();
            *so_far += 1;
            seen.push((*n, *so_far));
        }
        seen
    });
    assert_eq!(got(&outputs.seen), millis_of(seen), "seen: {what}");
    let shown = made(&first, |records| records.iter().max().copied().into_iter().collect());
    assert_eq!(got(&outputs.shown), millis_of(shown), "shown: {what}");
    let longer = (one.0 + one.1, one.1);
    let right: BTreeMap<u64, Vec<u64>> = history.window(&batches, longer).into_iter().collect();
    // At the end pairs are there if both sides are.
    let pairs: Slides<(u64, (u64, u64))> = history
        .due(one.1.as_secs())
        .into_iter()
        .filter_map(|(time, at_end)| {
            let lefts = first.iter().find(|(at, _)| *at == time).map(|(_, records)| records.clone());
            let rights = right.get(&time).cloned().unwrap_or_default();
            let mut pairs: Vec<_> = lefts
                .unwrap_or_default()
                .into_iter()
                .flat_map(|l| {
                    let of_key = rights.iter().filter(move |r| *r % 5 == l % 5);
                    of_key.map(move |r| (l % 5, (l, *r))).collect::<Vec<_>>()
                })
                .collect();
            pairs.sort();
            (!at_end || !pairs.is_empty()).then_some((time, pairs))
        })
        .collect();
    assert_eq!(got(&outputs.pairs), millis_of(pairs), "pairs: {what}");
    let mut last = BatchTime::default();
    for batch in &outputs.first {
        assert!(batch.time > last, "times grow: {what}");
        last = batch.time;
    }
}
