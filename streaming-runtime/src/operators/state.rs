//! Operators with a state per key that lasts from batch to batch.
//!
//! Records go to the worker that owns their key as they are: what a function makes of a state may depend on their
//! order, so nothing is combined on the way.

use std::{convert::Infallible, hash::BuildHasher, marker::PhantomData, rc::Rc, time::Duration};

use hashbrown::{HashMap, hash_map};
use timely::dataflow::channels::pact::Exchange;

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    codec::{Forms, encode, fingerprint},
    ids::Epoch,
    observe::{operator_stats::Held, panic_origin::check_itself},
    operators::{
        kernel::{
            state_table::{KeyState, StateTable},
            stateful::{BatchContext, Output, StatefulOperator, keep, keep_and_emit},
        },
        window::Materialize,
    },
    record::{Key, Keyed, Record},
    stream::{
        Stream,
        chain::Chain,
        context::JobContext,
        kind::{Idle, StreamKind, Table, Unbounded, UnboundedTable},
        rhythm::Rhythm,
    },
    time::BatchTime,
};

/// How long [`map_with_state`](Stream::map_with_state) keeps the state of a key: [`idle_for`] or [`unbounded`].
#[derive(Clone, Copy, Debug)]
pub struct Keeps(Option<Duration>);

/// Keeps a key until it has had no record for longer than `timeout`. Then the function is called with it once more, and the key is
/// forgotten.
pub const fn idle_for(timeout: Duration) -> Keeps {
    Keeps(Some(timeout))
}

/// Keeps each key until the function removes it, so state may grow for as long as the job runs. `why` is for the next reader of
/// the program.
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
    /// What was written down of it, by its hash.
    written: u64,
}

impl<S, V> Known<S, V> {
    fn new(fed: BatchTime) -> Self {
        Known { state: None, values: Vec::new(), fed, written: 0 }
    }
}

/// Tells whether states, and when they were fed, are as they were written.
#[derive(Default)]
struct Sums {
    /// Room for one.
    bytes: Vec<u8>,
    forms: Forms,
}

impl Sums {
    fn of<S: Record>(&mut self, state: &Option<(&S, u64)>) -> u64 {
        self.bytes.clear();
        // One that cannot be written is another, so that it comes to the log, which says so.
        let _ = encode(state, &mut self.bytes, &mut self.forms);
        foldhash::quality::FixedState::default().hash_one(&self.bytes)
    }
}

/// The records of each batch, each with the key by which it goes to its worker.
fn pairs<'s, T, P, C, K, V>(stream: Stream<'s, T, P, C>) -> Stream<'s, (K, V)>
where
    T: Record + Keyed<K, V>,
    P: Materialize,
    C: Chain<Out = T>,
    K: Key,
    V: Record,
{
    P::contents(stream).map(T::part).share()
}

/// The states with which an operator begins, until it has taken them in: in the first batch for which it is due. Until then
/// a job that goes on is given them again.
struct Initial<K, S> {
    /// Those that this worker owns.
    states: Vec<(K, S)>,
    /// Tells them all from others, where that is to be written down.
    fingerprint: Option<u64>,
    /// Whether this worker writes that they were taken in: they may all go again, and are not to come a second time.
    is_noted_here: bool,
}

impl<K: Key, S: Record> Initial<K, S> {
    fn new(states: impl IntoIterator<Item = (K, S)>, job: &JobContext) -> Self {
        // An exchange takes the rest of what it is given, too.
        let mine = |key: &K| job.owns(key);
        let (states, fingerprint) = match job.ledger.is_on() {
            false => (states.into_iter().filter(|(key, _)| mine(key)).collect(), None),
            true => {
                let mut all: Vec<_> = states.into_iter().collect();
                let fingerprint = (!all.is_empty()).then(|| fingerprint(&all));
                all.retain(|(key, _)| mine(key));
                (all, fingerprint)
            }
        };
        Initial { states, fingerprint, is_noted_here: job.worker == 0 }
    }

    /// Takes them, and writes that down.
    fn take(self, epoch: Epoch, log: &StateWriter) -> Vec<(K, S)> {
        if let Some(fingerprint) = self.fingerprint.filter(|_| self.is_noted_here) {
            log.pane::<u64, u64>(epoch, None, &[fingerprint]);
        }
        self.states
    }
}

/// The states of [`update_state`](Stream::update_state).
struct Updating<K, V, S, F> {
    keys: HashMap<K, Known<S, V>, foldhash::fast::RandomState>,
    initial: Option<Initial<K, S>>,
    f: F,
    idle: Idle,
    rhythm: Rhythm,
    job: Rc<JobContext>,
    values: PhantomData<V>,
}

impl<K, V, S, F> Updating<K, V, S, F>
where
    K: Key,
    V: Record,
    S: Record,
    F: Fn(BatchTime, &K, Option<S>, &[V]) -> Option<S> + 'static,
{
    /// Writes down the states that are not as they were when they were last written. Which those are nobody says, so it
    /// is seen by their bytes.
    fn write(&mut self, epoch: Epoch, gone: &[K], log: &StateWriter) {
        let expires = self.idle.get().is_some();
        let mut sums = Sums::default();
        log.keys::<K, (S, u64), _, _>(epoch, |put| {
            for (key, known) in &mut self.keys {
                let fed = if expires { known.fed.as_nanos() } else { 0 };
                let state = known.state.as_ref().map(|state| (state, fed));
                let now = sums.of(&state);
                if std::mem::replace(&mut known.written, now) != now {
                    put(key, state.as_ref());
                }
            }
            gone.iter().for_each(|key| put(key, None));
        });
    }
}

impl<K, V, S, F> StatefulOperator for Updating<K, V, S, F>
where
    K: Key,
    V: Record,
    S: Record,
    F: Fn(BatchTime, &K, Option<S>, &[V]) -> Option<S> + 'static,
{
    type In = (K, V);
    type Out = (K, S);
    type Emitted = Infallible;

    const KIND: &'static str = "update_state";

    fn shape(&self) -> Option<StateShape> {
        Some(StateShape::keys::<(K, S)>())
    }

    fn initial(&self) -> Option<u64> {
        self.initial.as_ref()?.fingerprint
    }

    fn close(
        &mut self,
        BatchContext { epoch, time }: BatchContext,
        batch: &mut Vec<(K, V)>,
        said: &mut Output<(K, S)>,
        log: &StateWriter,
    ) {
        if !self.job.is_due(epoch, &self.rhythm) {
            debug_assert!(batch.is_empty(), "records come in batches that renew their stream");
            return;
        }
        let initial = self.initial.take();
        // In the first batch no state was said before.
        let is_first = initial.is_some();
        let initial = initial.map(|initial| initial.take(epoch, log));
        for (key, state) in initial.into_iter().flatten() {
            self.keys.insert(key, Known { state: Some(state), ..Known::new(time) });
        }
        for (key, value) in batch.drain(..) {
            let known = match self.keys.entry(key) {
                hash_map::Entry::Occupied(known) => known.into_mut(),
                hash_map::Entry::Vacant(place) => {
                    check_itself(place.key());
                    place.insert(Known::new(time))
                }
            };
            known.values.push(value);
            known.fed = time;
        }
        let mut gone = Vec::new();
        self.keys.retain(|key, known| {
            let old = known.state.take();
            if !is_first && let Some(old) = &old {
                said.change(|| (key.clone(), old.clone()), -1);
            }
            let is_over = |idle| known.fed < time && known.fed + idle <= time;
            if !self.idle.get().is_some_and(is_over) {
                known.state = (self.f)(time, key, old, &std::mem::take(&mut known.values));
            }
            let Some(state) = &known.state else {
                if log.is_on() {
                    gone.push(key.clone());
                }
                return false;
            };
            said.change(|| (key.clone(), state.clone()), 1);
            if said.wants_contents() {
                said.contents.push((key.clone(), state.clone()));
            }
            true
        });
        if log.is_on() {
            self.write(epoch, &gone, log);
        }
        said.held = Held::new(self.keys.len(), self.keys.allocation_size());
    }

    fn restore(
        &mut self,
        as_of: BatchTime,
        log: &StateWriter,
        _: &mut Vec<(K, V)>,
        said: &mut Output<(K, S)>,
    ) {
        self.initial.take_if(|_| log.has_written());
        let expires = self.idle.get().is_some();
        let mut sums = Sums::default();
        log.states(|key: K, state: Option<(S, u64)>| {
            if self.job.owns(&key) {
                match state {
                    Some((state, fed)) => {
                        // It was written while keys did not expire: it is idle from now on.
                        let fed_at = if expires && fed == 0 { as_of } else { BatchTime::from_nanos(fed) };
                        let is_written = expires == (fed != 0);
                        let written = if is_written { sums.of(&Some((&state, fed))) } else { 0 };
                        self.keys.insert(key, Known { state: Some(state), written, ..Known::new(fed_at) });
                    }
                    None => drop(self.keys.remove(&key)),
                }
            }
        });
        let pairs = self.keys.iter().filter_map(|(key, known)| Some((key.clone(), known.state.clone()?)));
        said.contents.extend(pairs);
        said.held = Held::new(self.keys.len(), self.keys.allocation_size());
    }
}

/// The states of [`map_with_state`](Stream::map_with_state).
struct Mapping<K, V, S, U, F> {
    states: StateTable<K, S>,
    initial: Option<Initial<K, S>>,
    f: F,
    keeps: Keeps,
    rhythm: Rhythm,
    job: Rc<JobContext>,
    values: PhantomData<(V, U)>,
}

impl<K, V, S, U, F> StatefulOperator for Mapping<K, V, S, U, F>
where
    K: Key,
    V: Record,
    S: Record,
    U: Record,
    F: Fn(BatchTime, &K, Option<V>, &mut KeyState<S>) -> Option<U> + 'static,
{
    type In = (K, V);
    type Out = (K, S);
    type Emitted = U;

    const KIND: &'static str = "map_with_state";

    fn shape(&self) -> Option<StateShape> {
        Some(StateShape::keys::<(K, S)>())
    }

    fn initial(&self) -> Option<u64> {
        self.initial.as_ref()?.fingerprint
    }

    fn close(
        &mut self,
        BatchContext { epoch, time }: BatchContext,
        batch: &mut Vec<(K, V)>,
        said: &mut Output<(K, S), U>,
        log: &StateWriter,
    ) {
        if !self.job.is_due(epoch, &self.rhythm) {
            debug_assert!(batch.is_empty(), "records come in batches that renew their stream");
            return;
        }
        let Mapping { states, initial, f, keeps, .. } = self;
        let initial = initial.take().map(|initial| initial.take(epoch, log));
        for (key, state) in initial.into_iter().flatten() {
            states.touch(time, key, |_, known| known.update(state));
        }
        for (key, value) in batch.drain(..) {
            said.emitted.extend(states.touch(time, key, |key, state| f(time, key, Some(value), state)));
        }
        if let Keeps(Some(timeout)) = *keeps {
            let is_over = |touched| touched + timeout < time;
            while let Some(out) = states.time_out(is_over, |key, state| f(time, key, None, state)) {
                said.emitted.extend(out);
            }
        }
        states.close(epoch, said, log);
    }

    fn restore(
        &mut self,
        as_of: BatchTime,
        log: &StateWriter,
        _: &mut Vec<(K, V)>,
        said: &mut Output<(K, S), U>,
    ) {
        self.initial.take_if(|_| log.has_written());
        let job = self.job.clone();
        self.states.restore(as_of, |key| job.owns(key), said, log);
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Spark's `updateStateByKey`: in every batch, `f` computes the new state of every key from its old state and the batch's
    /// values, which are in the order of their source. A new key has no old state, a key without values in the batch gets an empty
    /// list, and a key for which `f` returns `None` is dropped. Each batch delivers the states of all keys;
    /// [`changes`](Stream::changes) delivers what is different.
    ///
    /// State: one per key, for as long as the next call says: `.expire_after(..)` or `.allow_unbounded("why")`. A key that expires is
    /// forgotten before `f` is called.
    ///
    /// Cost: a call of `f` for every key in every batch, with values or without. If a state changes only when values arrive,
    /// [`map_with_state`](Stream::map_with_state) and `.history().allow_unbounded("why").reduce_by_key(..)` cost only what arrives.
    /// For the last minutes, take a [`window`](Stream::window).
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
    ) -> Stream<'s, (K, S), UnboundedTable>
    where
        T: Record + Keyed<K, V>,
        P: Materialize,
    {
        self.update_state_with([], move |_, key, state, values| f(key, state, values))
    }

    /// As [`update_state`](Stream::update_state), with initial states, and with the batch's time for `f`. State: as there.
    ///
    /// In the first batch `f` is called with the initial states as old states. A job that goes on from a checkpoint has them
    /// already and ignores them. If they are others than at the first start, the start is refused until
    /// [`Checkpoint::keeps`](crate::Checkpoint::keeps) or [`Checkpoint::forget`](crate::Checkpoint::forget) says which ones count.
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
    ) -> Stream<'s, (K, S), UnboundedTable>
    where
        T: Record + Keyed<K, V>,
        P: Materialize,
    {
        let Stream { held, id, job, rhythm, .. } = pairs(self);
        job.depends_on_order(true);
        let idle = Idle::default();
        let keeper = Updating {
            keys: HashMap::default(),
            initial: Some(Initial::new(initial, &job)),
            f,
            idle: idle.clone(),
            rhythm: rhythm.clone(),
            job: job.clone(),
            values: PhantomData,
        };
        let owners = job.owners.clone();
        let by_owner = Exchange::new(move |(key, _): &(K, V)| owners.of(key));
        let relation = keep(held, by_owner, id, job.clone(), keeper);
        Stream::new(Unbounded { relation, idle }, id, job, rhythm)
    }

    /// Spark's `mapWithState`: calls `f` for each record with the state of its key, which `f` may
    /// [`update`](KeyState::update) or [`remove`](KeyState::remove). Records of one source come in its order.
    ///
    /// It returns two streams: the values that `f` returned, and the states. The latter delivers all states in each batch (Spark's
    /// `stateSnapshots`), or by [`changes`](Stream::changes) those that are different.
    ///
    /// State: what `f` stores per key, for as long as `keeps` says. With [`idle_for`], any record of a key keeps it, whether `f`
    /// updates its state or not. A key without a record for longer [times out](KeyState::is_timing_out): in the first batch that is
    /// later, and after the batch's records, `f` is called with the key and no value, and the key is forgotten.
    ///
    /// Cost: what arrives and what times out, however many keys there are. A sink of all states, instead of their changes, costs
    /// all of them in each batch.
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
    ) -> (Stream<'s, U>, Stream<'s, (K, S), Table>)
    where
        T: Record + Keyed<K, V>,
        P: Materialize,
    {
        self.map_with_state_from(keeps, [], move |_, key, value, state| f(key, value, state))
    }

    /// As [`map_with_state`](Stream::map_with_state), with initial states, and with the batch's time for `f`. State: as there.
    ///
    /// Initial states count as updated in the first batch. For jobs that go on from a checkpoint see
    /// [`update_state_with`](Stream::update_state_with).
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
    ) -> (Stream<'s, U>, Stream<'s, (K, S), Table>)
    where
        T: Record + Keyed<K, V>,
        P: Materialize,
    {
        let keeps = keeps.keeps();
        let Stream { held, id, job, rhythm, .. } = pairs(self);
        job.depends_on_order(true);
        let keeper = Mapping {
            states: StateTable::new(keeps.0.is_some(), job.ledger.is_on()),
            initial: Some(Initial::new(initial, &job)),
            f,
            keeps,
            rhythm: rhythm.clone(),
            job: job.clone(),
            values: PhantomData,
        };
        let owners = job.owners.clone();
        let by_owner = Exchange::new(move |(key, _): &(K, V)| owners.of(key));
        let (emitted, relation) = keep_and_emit(held, by_owner, id, job.clone(), keeper);
        (
            Stream::new(emitted, id, job.clone(), rhythm.clone().passing()),
            Stream::new(relation, id, job, rhythm),
        )
    }
}
