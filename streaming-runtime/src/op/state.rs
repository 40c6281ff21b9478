//! Operators with a state per key that lasts from batch to batch.
//!
//! Records go to the worker that owns their key as they are: what a function makes of a state may depend on their
//! order, so nothing is combined on the way.

use std::time::Duration;

use hashbrown::HashMap;
use timely::dataflow::channels::pact::Exchange;

use super::{
    by_key::owner,
    keep::{Said, gather_all, keep, keep_and_emit},
    state_table::{KeyState, StateTable},
    window::Whole,
};
use crate::{
    gauge::Held,
    past::{Idle, Kept, Past, State, Unbounded},
    record::{Key, Keyed, Record},
    stream::{Chain, JobContext, Stream},
    time::BatchTime,
};

/// How long [`map_with_state`](Stream::map_with_state) keeps the state of a key: made by [`idle_for`] and
/// [`unbounded`].
#[derive(Clone, Copy, Debug)]
pub struct Keeps(Option<Duration>);

/// Keeps a key until it had no record for longer than `timeout`: the function is then called with it once more, and
/// it is forgotten.
pub const fn idle_for(timeout: Duration) -> Keeps {
    Keeps(Some(timeout))
}

/// Keeps each key until the function removes it: state that may grow for as long as the pipeline runs. `why` is for
/// whoever reads it next.
pub const fn unbounded(why: &'static str) -> Keeps {
    let _ = why;
    Keeps(None)
}

/// What says how long a key is kept: [`idle_for`] or [`unbounded`].
#[diagnostic::on_unimplemented(
    message = "this does not say how long a key is kept",
    label = "expected `idle_for(..)` or `unbounded(..)`, found `{Self}`",
    note = "write `idle_for(minutes(30))`, or `unbounded(\"why\")` if the state is meant to grow"
)]
pub trait SaysHowLong {
    #[doc(hidden)]
    fn keeps(self) -> Keeps;
}

impl SaysHowLong for Keeps {
    fn keeps(self) -> Keeps {
        self
    }
}

/// What `update_state` knows of a key.
struct Known<S, V> {
    state: Option<S>,
    /// Those of this batch.
    values: Vec<V>,
    /// The last batch in which it had values.
    fed: BatchTime,
}

/// The records of each batch, each with the key by which it goes to its worker.
fn pairs<'s, T, P, C, K, V>(stream: Stream<'s, T, P, C>) -> Stream<'s, (K, V)>
where
    T: Record + Keyed<K, V>,
    P: Whole,
    C: Chain<Out = T>,
    K: Key,
    V: Record,
{
    P::contents(stream).map(T::part).share()
}

/// Those of the initial states that this worker owns: an exchange takes the rest of what it is given, too.
fn owned<K: Key, S>(initial: impl IntoIterator<Item = (K, S)>, job: &JobContext) -> Vec<(K, S)> {
    let here = |(key, _): &(K, S)| owner(key) % job.workers as u64 == job.worker as u64;
    initial.into_iter().filter(here).collect()
}

impl<'s, T: 'static, P: Past, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Spark's `updateStateByKey`: in every batch `f` makes the new state of every key, of the state that it had and of
    /// the batch's values, in order of arrival with one worker. A key that is new has no state; one without values in
    /// the batch has an empty list of them; one for which `f` returns `None` is dropped. The states of all keys are
    /// what each batch delivers, [`changes`](Stream::changes) those for which `f` was called, before and after.
    ///
    /// State: that of every key, for as long as the next call says: `.expire_after(..)` or `.allow_unbounded("why")`.
    /// A key that expires is forgotten before `f` is called. Cost: a call of `f` for every key in every batch, with
    /// values or without. Where states should only change when values come, [`map_with_state`](Stream::map_with_state)
    /// costs what comes, as does `.history().allow_unbounded("why").reduce_by_key(..)`; for the last minutes take a
    /// [`window`](Stream::window).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Running totals of those who bought something in the last half hour.
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         orders
    ///             .update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>()))
    ///             .expire_after(minutes(30))
    ///             .to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn update_state<K: Key, V: Record, S: Record>(
        self,
        f: impl Fn(&K, Option<S>, &[V]) -> Option<S> + 'static,
    ) -> Stream<'s, (K, S), State>
    where
        T: Record + Keyed<K, V>,
        P: Whole,
    {
        self.update_state_with([], move |_, key, state, values| f(key, state, values))
    }

    /// As [`update_state`](Stream::update_state), of keys that have a state already, and with the time of the batch.
    /// Initial states count as new in the first batch, in which `f` is called with them.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// When each sensor was heard of last.
    ///     #[batch(secs(1))]
    ///     fn seen<readings: Source<(u64, f64)>, out: Sink<(u64, u64)>>(known: Vec<(u64, u64)>) {
    ///         readings
    ///             .update_state_with(known, |time, _, last, new| match new {
    ///                 [] => last,
    ///                 _ => Some(time.as_millis()),
    ///             })
    ///             .allow_unbounded("there are as many as sensors")
    ///             .to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn update_state_with<K: Key, V: Record, S: Record>(
        self,
        initial: impl IntoIterator<Item = (K, S)>,
        f: impl Fn(BatchTime, &K, Option<S>, &[V]) -> Option<S> + 'static,
    ) -> Stream<'s, (K, S), State>
    where
        T: Record + Keyed<K, V>,
        P: Whole,
    {
        let Stream { held, id, job, every, .. } = pairs(self);
        let context = job.clone();
        let idle = Idle::default();
        let expires = idle.clone();
        let mut initial = Some(owned(initial, &job));
        let mut keys = HashMap::<K, Known<S, V>, foldhash::fast::RandomState>::default();
        let relation = keep(
            held,
            Exchange::new(|(key, _): &(K, V)| owner(key)),
            id,
            job.clone(),
            gather_all,
            move |epoch, time, batch, said: &mut Said<(K, S)>| {
                if !context.is_due(epoch, every) {
                    return;
                }
                let initial = initial.take();
                // In the first batch no state was said before.
                let is_first = initial.is_some();
                for (key, state) in initial.into_iter().flatten() {
                    keys.insert(key, Known { state: Some(state), values: Vec::new(), fed: time });
                }
                for (key, value) in batch.drain(..) {
                    let new = || Known { state: None, values: Vec::new(), fed: time };
                    let known = keys.entry(key).or_insert_with(new);
                    known.values.push(value);
                    known.fed = time;
                }
                keys.retain(|key, known| {
                    let old = known.state.take();
                    if !is_first && let Some(old) = &old {
                        said.change(|| (key.clone(), old.clone()), -1);
                    }
                    let is_over = |idle| known.fed < time && known.fed + idle <= time;
                    if !expires.get().is_some_and(is_over) {
                        known.state = f(time, key, old, &std::mem::take(&mut known.values));
                    }
                    let Some(state) = &known.state else { return false };
                    said.change(|| (key.clone(), state.clone()), 1);
                    if said.wants.contents() {
                        said.contents.push((key.clone(), state.clone()));
                    }
                    true
                });
                said.held = Held::new(keys.len(), keys.allocation_size());
            },
        );
        Stream::new(Unbounded { relation, idle }, id, job, every)
    }

    /// Spark's `mapWithState`: calls `f` for each record with the state of its key, which `f` may
    /// [`update`](KeyState::update) or [`remove`](KeyState::remove). Returns what `f` returned, and the states: all of
    /// them in each batch (Spark's `stateSnapshots`), or as [`changes`](Stream::changes) those that are others than in
    /// the batch before.
    ///
    /// Records come in order of arrival with one worker; with several those of one key may overtake each other within
    /// a batch.
    ///
    /// State: what `f` keeps, for as long as `keeps` says. With [`idle_for`] any record of a key keeps it, whether `f`
    /// updates its state or not. One that had none for longer is [timing out](KeyState::is_timing_out): in the first
    /// batch that is so much later, and behind its records, `f` is called with the key and no value, and the key is
    /// forgotten. Cost: what comes and what times out, however many keys there are; whoever reads the states whole,
    /// and not their changes, pays for them in each batch.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Clicks of each visit. A visit ends when there was no click for half an hour.
    ///     #[batch(secs(1))]
    ///     fn visits<clicks: Source<(u64, String)>, ended: Sink<(u64, u32)>, open: Sink<(u64, u32)>>() {
    ///         let (visits, states) =
    ///             clicks.map_with_state(idle_for(minutes(30)), |user, page, clicks: &mut KeyState<u32>| {
    ///                 let n = clicks.get().copied().unwrap_or(0);
    ///                 match page {
    ///                     Some(_) => {
    ///                         clicks.update(n + 1);
    ///                         None
    ///                     }
    ///                     None => Some((*user, n)),
    ///                 }
    ///             });
    ///         visits.to(ended);
    ///         states.to(open);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn map_with_state<K: Key, V: Record, S: Record, U: Record>(
        self,
        keeps: impl SaysHowLong,
        f: impl Fn(&K, Option<V>, &mut KeyState<S>) -> Option<U> + 'static,
    ) -> (Stream<'s, U>, Stream<'s, (K, S), Kept>)
    where
        T: Record + Keyed<K, V>,
        P: Whole,
    {
        self.map_with_state_from(keeps, [], move |_, key, value, state| f(key, value, state))
    }

    /// As [`map_with_state`](Stream::map_with_state), of keys that have a state already, and with the time of the
    /// batch. Initial states count as updated in the first batch.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// How long ago, in milliseconds, each user was here before.
    ///     #[batch(secs(1))]
    ///     fn returns<clicks: Source<(u64, String)>, out: Sink<(u64, u64)>>(last: Vec<(u64, u64)>) {
    ///         let keeps = unbounded("there are as many as users");
    ///         let (since, _) = clicks.map_with_state_from(keeps, last, |time, user, _, last| {
    ///             let before = last.get().copied();
    ///             last.update(time.as_millis());
    ///             before.map(|before| (*user, time.as_millis() - before))
    ///         });
    ///         since.to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn map_with_state_from<K: Key, V: Record, S: Record, U: Record>(
        self,
        keeps: impl SaysHowLong,
        initial: impl IntoIterator<Item = (K, S)>,
        f: impl Fn(BatchTime, &K, Option<V>, &mut KeyState<S>) -> Option<U> + 'static,
    ) -> (Stream<'s, U>, Stream<'s, (K, S), Kept>)
    where
        T: Record + Keyed<K, V>,
        P: Whole,
    {
        let keeps = keeps.keeps();
        let Stream { held, id, job, every, .. } = pairs(self);
        let context = job.clone();
        let mut initial = owned(initial, &job);
        let mut states = StateTable::new(keeps.0.is_some());
        let (emitted, relation) = keep_and_emit(
            held,
            Exchange::new(|(key, _): &(K, V)| owner(key)),
            id,
            job.clone(),
            gather_all,
            move |epoch, time, batch, said| {
                if !context.is_due(epoch, every) {
                    return;
                }
                for (key, state) in initial.drain(..) {
                    states.touch(time, key, |_, known| known.update(state));
                }
                for (key, value) in batch.drain(..) {
                    said.emitted
                        .extend(states.touch(time, key, |key, state| f(time, key, Some(value), state)));
                }
                if let Keeps(Some(timeout)) = keeps {
                    let is_over = |touched| touched + timeout < time;
                    while let Some(out) = states.time_out(is_over, |key, state| f(time, key, None, state)) {
                        said.emitted.extend(out);
                    }
                }
                states.close(said);
            },
        );
        (Stream::new(emitted, id, job.clone(), every), Stream::new(relation, id, job, every))
    }
}
