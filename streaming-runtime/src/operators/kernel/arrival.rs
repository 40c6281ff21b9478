//! Aggregates of tables, whose values are added and taken back one by one.
//!
//! The values of a key are in order of arrival: a new value goes to the end, and of equal values the oldest is taken back. A key that
//! changes is merged again from all its values, so a batch costs the values of the keys that it changes. For merges whose order does not
//! matter, the order is not logged.
//!
//! Invariant: the stream says which values there are, also after a restart. The log says only in which order they were.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    convert::Infallible,
    rc::Rc,
};

use timely::dataflow::StreamVec;

use crate::{
    aggregate::{Aggregate, Algebra},
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    observe::operator_stats::Held,
    operators::kernel::{
        differential::Comparable,
        exchange::Exchange,
        output::Output,
        slots::Slots,
        stateful::{StatefulOperator, stateful},
    },
    panic_origin::{Why, fail},
    stream::{
        context::{BatchContext, JobContext},
        copies::{checked, few},
        held::Relation,
    },
    timeline::rhythm::Rhythm,
};

/// The part at the owners of the keys. It does not know the chain, so that it is compiled once a type.
pub(crate) fn aggregated<'s, K: Comparable, V: Comparable, G: Aggregate<V, Result: Comparable>>(
    changes: StreamVec<'s, Epoch, ((K, V), i64)>,
    aggregate: G,
    rhythm: Rhythm,
    id: OpId,
    job: Rc<JobContext>,
) -> Relation<'s, (K, G::Result)> {
    let (more, stale) = (Vec::new(), Vec::new());
    let operator = Arrival { slots: Slots::default(), runs: 0, more, stale, aggregate, rhythm, id };
    let owners = job.owners.clone();
    stateful(changes, Exchange::new(move |((key, _), _): &((K, V), i64)| owners.of(key)), id, job, operator)
}

/// A value as often as it came in a row, numbered in the order of its key.
struct Run<V> {
    value: V,
    times: i64,
    number: u64,
}

/// The values of a key, and what was made of them last.
struct ArrivalGroup<V, R> {
    runs: VecDeque<Run<V>>,
    /// The number of the next run.
    next: u64,
    /// The first run that is new, or has more copies, since the key was written down.
    fresh: u64,
    made: Option<R>,
    is_touched: bool,
}

impl<V, R> Default for ArrivalGroup<V, R> {
    fn default() -> Self {
        ArrivalGroup { runs: VecDeque::new(), next: 0, fresh: u64::MAX, made: None, is_touched: false }
    }
}

impl<V: Comparable, R> ArrivalGroup<V, R> {
    fn add(&mut self, value: V, times: i64, id: OpId) {
        match self.runs.back_mut() {
            Some(last) if last.value == value => {
                last.times = few(id, checked(id, last.times.checked_add(times)));
                self.fresh = self.fresh.min(last.number);
            }
            _ => {
                self.fresh = self.fresh.min(self.next);
                self.runs.push_back(Run { value, times: few(id, times), number: self.next });
                self.next += 1;
            }
        }
    }

    /// Removes what is `gone`, sorted by value, the oldest first, and calls `changed` with each run that changed.
    fn take_back(&mut self, gone: &mut [Gone<V>], id: OpId, mut changed: impl FnMut(u64)) {
        let mut left = gone.len();
        for run in &mut self.runs {
            if left == 0 {
                break;
            }
            let from = gone.partition_point(|gone| gone.value < run.value);
            let same = gone[from..].iter_mut().take_while(|gone| gone.value == run.value);
            for gone in same.filter(|gone| gone.times > 0) {
                let times = run.times.min(gone.times);
                run.times -= times;
                gone.times -= times;
                left -= usize::from(gone.times == 0);
                changed(run.number);
            }
        }
        if let Some(gone) = gone.iter().find(|gone| gone.times > 0) {
            fail(id, Why::never_said(&gone.value));
        }
        while self.runs.pop_front_if(|run| run.times == 0).is_some() {}
        self.runs.retain(|run| run.times > 0);
    }

    fn merged<G: Aggregate<V, Result = R>>(&self, aggregate: &G) -> Option<R> {
        let all = self.runs.iter().flat_map(|run| (0..run.times).map(|_| run.value.clone()));
        let whole = all.fold(None, |whole, value| {
            Some(match whole {
                None => aggregate.create(value),
                Some(whole) => aggregate.add(whole, value),
            })
        });
        whole.map(|whole| aggregate.result(whole))
    }
}

/// What a batch takes back of a key.
struct Gone<V> {
    slot: u32,
    value: V,
    times: i64,
}

/// The runs of the keys that this worker owns, as they were written.
fn written<K: Comparable, V: Comparable>(
    context: BatchContext<'_>,
    log: &StateWriter,
) -> WrittenArrival<K, V> {
    let mut written = WrittenArrival::new();
    log.states(|(key, number): ArrivalPlace<K>, run: Option<(V, i64)>| {
        if context.job.owns(&key) {
            let runs = written.entry(key).or_default();
            match run {
                Some(run) => drop(runs.insert(number, run)),
                None => drop(runs.remove(&number)),
            }
        }
    });
    written
}

struct Arrival<K, V, G: Aggregate<V>> {
    slots: Slots<K, ArrivalGroup<V, G::Result>>,
    /// Runs of all keys.
    runs: usize,
    /// Differences from the log that a restore found: keys with more values, and logged places without a value.
    more: Vec<u32>,
    stale: Vec<ArrivalPlace<K>>,
    aggregate: G,
    rhythm: Rhythm,
    id: OpId,
}

/// A run's place: its key, and its number there.
type ArrivalPlace<K> = (K, u64);
/// The runs of each key, as they were written.
type WrittenArrival<K, V> = HashMap<K, BTreeMap<u64, (V, i64)>>;

impl<K: Comparable, V: Comparable, G: Aggregate<V, Result: Comparable>> Arrival<K, V, G> {
    /// Brings the values up to date, and writes down what changed in their order; returns the keys that changed.
    fn take_in(&mut self, epoch: Epoch, batch: &mut Vec<((K, V), i64)>, log: &StateWriter) -> Vec<u32> {
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for ((key, value), times) in batch.drain(..) {
            let slot = self.slots.number(key);
            let (_, group) = self.slots.get_mut(slot);
            if !std::mem::replace(&mut group.is_touched, true) {
                self.runs -= group.runs.len();
                changed.push(slot);
            }
            match times > 0 {
                true => group.add(value, times, self.id),
                false => gone.push(Gone { slot, value, times: checked(self.id, times.checked_neg()) }),
            }
        }
        // Removed last: a value may come and go in one batch, in any order.
        gone.sort_unstable_by(|a, b| (a.slot, &a.value).cmp(&(b.slot, &b.value)));
        let mut fewer = Vec::new();
        for gone in gone.chunk_by_mut(|a, b| a.slot == b.slot) {
            let slot = gone[0].slot;
            let (_, group) = self.slots.get_mut(slot);
            group.take_back(gone, self.id, |run| fewer.push((slot, run)));
        }
        if log.is_on() {
            self.write(epoch, &changed, fewer, log);
        }
        for slot in &changed {
            let (_, group) = self.slots.get_mut(*slot);
            group.is_touched = false;
            self.runs += group.runs.len();
        }
        changed
    }

    fn write(&mut self, epoch: Epoch, changed: &[u32], fewer: Vec<(u32, u64)>, log: &StateWriter) {
        let Arrival { slots, more, stale, .. } = self;
        more.extend(changed);
        log.keys::<ArrivalPlace<K>, (V, i64), _, _>(epoch, |put| {
            stale.iter().for_each(|(key, number)| put(&(key, *number), None));
            for (slot, number) in fewer {
                let (key, group) = slots.get(slot);
                let run = group.runs.binary_search_by_key(&number, |run| run.number).ok();
                let run = run.map(|place| &group.runs[place]).map(|run| (&run.value, run.times));
                put(&(key, number), run.as_ref());
            }
            for slot in &*more {
                let (key, group) = slots.get(*slot);
                for run in group.runs.iter().rev().take_while(|run| run.number >= group.fresh) {
                    put(&(key, run.number), Some(&(&run.value, run.times)));
                }
            }
        });
        stale.clear();
        more.drain(..).for_each(|slot| slots.get_mut(slot).1.fresh = u64::MAX);
    }

    /// Writes the changes of these keys.
    fn write_changes(&mut self, changed: Vec<u32>, output: &mut Output<(K, G::Result)>) {
        for slot in changed {
            let (key, group) = self.slots.get_mut(slot);
            let made = group.merged(&self.aggregate);
            if group.made != made {
                let before = std::mem::replace(&mut group.made, made);
                for (made, times) in [(before, -1), (group.made.clone(), 1)] {
                    made.into_iter().for_each(|made| output.change(|| (key.clone(), made), times));
                }
            }
            if group.runs.is_empty() {
                self.slots.release(slot);
            }
        }
        let bytes = self.slots.bytes() + self.runs * size_of::<Run<V>>();
        output.held = Held::new(self.slots.len() + self.runs, bytes);
    }

    fn write_contents(&self, output: &mut Output<(K, G::Result)>) {
        let made = self.slots.iter().filter_map(|(key, group)| Some((key, group.made.as_ref()?)));
        output.contents.extend(made.map(|(key, made)| (key.clone(), made.clone())));
    }

    /// Takes the values of `batch` that are in the log, in the logged order, and leaves the others in it.
    fn take_written(&mut self, written: WrittenArrival<K, V>, batch: &mut Vec<((K, V), i64)>) {
        let mut there = HashMap::<(K, V), i64>::new();
        for (pair, times) in batch.iter() {
            *there.entry(pair.clone()).or_default() += times;
        }
        for (key, runs) in written {
            let Some((&last, _)) = runs.last_key_value() else { continue };
            let mut kept = VecDeque::new();
            for (number, (value, times)) in runs {
                let pair = (key.clone(), value);
                let left = there.get_mut(&pair).map_or(0, |left| {
                    let stays = times.min(*left);
                    *left -= stays;
                    stays
                });
                match left > 0 {
                    true => kept.push_back(Run { value: pair.1, times: left, number }),
                    false => self.stale.push((key.clone(), number)),
                }
            }
            if kept.is_empty() {
                continue;
            }
            let slot = self.slots.number(key);
            let (_, group) = self.slots.get_mut(slot);
            (group.runs, group.next) = (kept, last + 1);
            group.made = group.merged(&self.aggregate);
            self.runs += group.runs.len();
        }
        batch.retain_mut(|(pair, times)| {
            let left = there.get_mut(pair).expect("it was counted");
            *times = (*times).min(*left);
            *left -= *times;
            *times > 0
        });
    }
}

impl<K: Comparable, V: Comparable, G: Aggregate<V, Result: Comparable>> StatefulOperator
    for Arrival<K, V, G>
{
    type In = ((K, V), i64);
    type Out = (K, G::Result);
    type Emitted = Infallible;

    const KIND: &'static str = "aggregate";

    fn shape(&self) -> Option<StateShape> {
        let commutes = <G::Algebra as Algebra<V, G>>::COMMUTES;
        (!commutes).then(StateShape::keys::<(ArrivalPlace<K>, (V, i64))>)
    }

    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<Self::Out>,
        log: &StateWriter,
    ) {
        let changed = self.take_in(context.epoch, batch, log);
        self.write_changes(changed, output);
        if output.wants_contents() && context.is_due(&self.rhythm) {
            self.write_contents(output);
        }
    }

    fn restore(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<Self::Out>,
        log: &StateWriter,
    ) {
        self.take_written(written(context, log), batch);
        let changed = self.take_in(0, batch, &StateWriter::nowhere());
        self.more = changed.clone();
        self.write_changes(changed, output);
        self.write_contents(output);
    }
}
