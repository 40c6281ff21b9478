//! Holds what a job said against what its shape means.

use std::{collections::BTreeMap, rc::Rc};

use crate::{
    drive::Seen,
    model::{Batches, INTERVAL, Pair, Time, Times},
    ports::together,
    script::{Script, Values},
    shapes::Shape,
};

/// What a model is given: the batches of each source.
pub(crate) struct Inputs<'a> {
    pub(crate) sources: Vec<Batches<Pair>>,
    pub(crate) values: &'a Values,
}

/// What sinks are to get, by name.
#[derive(Default)]
pub(crate) struct Expected(BTreeMap<&'static str, BTreeMap<Time, Vec<Pair>>>);

impl Expected {
    pub(crate) fn put(&mut self, name: &'static str, batches: BTreeMap<Time, Vec<Pair>>) {
        assert!(self.0.insert(name, batches).is_none(), "{name} stands twice in the model");
    }
}

/// Whether a run was as it had to be; if not, what was wrong.
pub(crate) fn check(shape: &Shape, script: &Script, seen: &Seen) -> Result<(), String> {
    let times = batch_times(shape, script, seen)?;
    sources(seen)?;
    let times = Rc::new(times);
    let of_source = |tap: &crate::ports::Told| {
        let batches = tap.arrived().into_values();
        Batches::of(&times, batches.map(repeated).collect())
    };
    let inputs = Inputs { sources: seen.taps.iter().map(of_source).collect(), values: &script.values };
    let mut expected = Expected::default();
    (shape.model)(&inputs, &mut expected);
    for name in seen.contents.keys().chain(seen.changes.keys()) {
        assert!(expected.0.contains_key(name), "the model does not say what {name} is");
    }
    for (name, batches) in &expected.0 {
        let batches: Counted = batches.iter().map(|(time, records)| (*time, counted(records))).collect();
        // At the end a batch in which there is nothing is not delivered.
        let ends = times.at.iter().filter(|time| times.is_at_an_end(**time) && batches.contains_key(time));
        let with_ends = |told: Counted| {
            let empty = ends.clone().map(|end| (*end, Vec::new()));
            empty.chain(told).collect::<Counted>()
        };
        if let Some(told) = seen.contents.get(name) {
            compare(name, "contents", &with_ends(told.batches()), &batches)?;
        }
        if let Some(told) = seen.changes.get(name) {
            compare(name, "sum of all changes", &added_up(with_ends(told.batches())), &batches)?;
        }
    }
    Ok(())
}

/// Batches, each record as often as it is there.
type Counted = BTreeMap<Time, Vec<(Pair, i64)>>;

fn counted(records: &[Pair]) -> Vec<(Pair, i64)> {
    together(records.iter().map(|record| (*record, 1)).collect())
}

fn repeated(records: Vec<(Pair, i64)>) -> Vec<Pair> {
    records.into_iter().flat_map(|(record, times)| (0..times).map(move |_| record)).collect()
}

/// What changes sum up to, batch by batch.
fn added_up(changes: Counted) -> Counted {
    let mut all = Vec::new();
    let sums = changes.into_iter().map(|(time, changes)| {
        all.extend(changes);
        all = together(std::mem::take(&mut all));
        (time, all.clone())
    });
    sums.collect()
}

fn compare(name: &str, what: &str, told: &Counted, expected: &Counted) -> Result<(), String> {
    let at = told.keys().chain(expected.keys()).copied().collect::<std::collections::BTreeSet<Time>>();
    let differs = at.into_iter().find(|time| told.get(time) != expected.get(time));
    match differs {
        None => Ok(()),
        Some(time) => Err(format!(
            "{name}, {what}, batch {}: got {}, expected {}",
            millis(time),
            shown(told.get(&time)),
            shown(expected.get(&time))
        )),
    }
}

fn shown(records: Option<&Vec<(Pair, i64)>>) -> String {
    records.map_or("no batch".to_owned(), |records| format!("{records:?}"))
}

fn millis(time: Time) -> String {
    format!("{}.{:06} ms", time / 1_000_000, time % 1_000_000)
}

/// When batches closed: all sources say the same, at every boundary, and between two of them only with records.
fn batch_times(shape: &Shape, script: &Script, seen: &Seen) -> Result<Times, String> {
    let taps: Vec<_> = seen.taps.iter().map(|tap| tap.batches()).collect();
    let times: Vec<Time> = taps[0].keys().copied().collect();
    if let Some(tap) = taps.iter().find(|tap| !tap.keys().eq(&times)) {
        return Err(format!("sources have batches at {times:?} and at {:?}", tap.keys()));
    }
    let is_early = |time: Time| !time.is_multiple_of(INTERVAL);
    for &time in times.iter().filter(|time| is_early(**time)) {
        let has_records = taps.iter().any(|tap| !tap[&time].is_empty());
        if !script.early || !has_records {
            return Err(format!("there is an early batch at {}", millis(time)));
        }
    }
    if let Some(last) = times.last().filter(|last| is_early(**last)) {
        return Err(format!("the last batch is an early one, at {}", millis(*last)));
    }
    let times = Times::new(times, &seen.ends, &script.slides(shape.windows));
    let regular: Vec<Time> = times.at.iter().copied().filter(|time| !is_early(*time)).collect();
    if let Some(gap) =
        regular.windows(2).find(|pair| pair[1] - pair[0] != INTERVAL && !times.is_at_an_end(pair[1]))
    {
        return Err(format!("no batch between {} and {}", millis(gap[0]), millis(gap[1])));
    }
    let due = seen.now / INTERVAL * INTERVAL;
    let first = (seen.begun / INTERVAL + 1) * INTERVAL;
    match (regular.first(), regular.last()) {
        (Some(begin), Some(end)) if *begin <= first && *end >= due => Ok(times),
        _ if due < first => Ok(times),
        ends => {
            Err(format!("batches from {} to {} were due, there are {ends:?}", millis(first), millis(due)))
        }
    }
}

/// What sources sent is in the batches, each record in that of its time.
fn sources(seen: &Seen) -> Result<(), String> {
    for (source, (sent, tap)) in seen.sent.iter().zip(&seen.taps).enumerate() {
        let batches = tap.batches();
        let got = together(batches.values().flatten().copied().collect());
        let all = together(sent.iter().map(|sent| (sent.record, 1)).collect());
        if seen.lost[source] > 0 {
            let more =
                together(got.iter().copied().chain(all.iter().map(|(record, n)| (*record, -n))).collect());
            if more.iter().any(|(_, times)| *times > 0) {
                return Err(format!("source {source} sent {all:?}, and the batches have {got:?}"));
            }
            continue;
        }
        if got != all {
            return Err(format!("source {source} sent {all:?}, and the batches have {got:?}"));
        }
        let mut sent = sent.iter();
        for (time, records) in batches {
            let n = records.iter().map(|(_, times)| *times as usize).sum();
            let of_batch: Vec<_> = sent.by_ref().take(n).collect();
            let is_same = together(of_batch.iter().map(|sent| (sent.record, 1)).collect()) == records;
            let outside = of_batch.iter().find(|sent| sent.at > time || sent.by.is_some_and(|by| by < time));
            if !is_same {
                return Err(format!("source {source} is out of order in batch {}", millis(time)));
            }
            if let Some(sent) = outside {
                return Err(format!(
                    "source {source}: what was sent at {} is in batch {}",
                    millis(sent.at),
                    millis(time)
                ));
            }
        }
    }
    Ok(())
}
