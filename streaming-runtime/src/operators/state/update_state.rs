//! States that a function makes anew in every batch, from what they were and the batch's values.

use std::{convert::Infallible, hash::BuildHasher, marker::PhantomData};

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    codec::{Forms, encode},
    ids::Epoch,
    observe::operator_stats::Held,
    operators::{
        kernel::{
            exchange::Exchange,
            output::Output,
            stateful::{StatefulOperator, stateful},
        },
        state::{initial::Initial, pairs},
        window::Materialize,
    },
    panic_origin::check_itself,
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        context::BatchContext,
        held::{Idle, Unbounded},
        keyed::Keyed,
        kind::{StreamKind, UnboundedTable},
    },
    time::BatchTime,
    timeline::rhythm::Rhythm,
};
use hashbrown::{HashMap, hash_map};

/// What `update_state` knows of a key.
struct KeyEntry<S, V> {
    state: Option<S>,
    /// Those of this batch.
    values: Vec<V>,
    /// The last batch in which it had values.
    fed: BatchTime,
    /// What was written down of it, by its hash.
    written: u64,
}

impl<S, V> KeyEntry<S, V> {
    fn new(fed: BatchTime) -> Self {
        KeyEntry { state: None, values: Vec::new(), fed, written: 0 }
    }
}

/// Tells whether states, and when they were fed, are as they were written.
#[derive(Default)]
struct Fingerprints {
    /// Room for one.
    bytes: Vec<u8>,
    forms: Forms,
}

impl Fingerprints {
    fn of<S: Record>(&mut self, state: &Option<(&S, u64)>) -> u64 {
        self.bytes.clear();
        // A state that cannot be encoded counts as changed: then the log reports the error.
        let _ = encode(state, &mut self.bytes, &mut self.forms);
        foldhash::quality::FixedState::default().hash_one(&self.bytes)
    }
}

/// The states of [`update_state`](Stream::update_state).
struct UpdateState<K, V, S, F> {
    keys: HashMap<K, KeyEntry<S, V>, foldhash::fast::RandomState>,
    initial: Option<Initial<K, S>>,
    f: F,
    idle: Idle,
    rhythm: Rhythm,
    values: PhantomData<V>,
}

impl<K, V, S, F> UpdateState<K, V, S, F>
where
    K: Key,
    V: Record,
    S: Record,
    F: Fn(BatchTime, &K, Option<S>, &[V]) -> Option<S> + 'static,
{
    /// Writes down the states that differ from what was written last. They are compared by a hash of their bytes.
    fn write(&mut self, epoch: Epoch, gone: &[K], log: &StateWriter) {
        let expires = self.idle.get().is_some();
        let mut fingerprints = Fingerprints::default();
        log.keys::<K, (S, u64), _, _>(epoch, |put| {
            for (key, entry) in &mut self.keys {
                let fed = if expires { entry.fed.as_nanos() } else { 0 };
                let state = entry.state.as_ref().map(|state| (state, fed));
                let now = fingerprints.of(&state);
                if std::mem::replace(&mut entry.written, now) != now {
                    put(key, state.as_ref());
                }
            }
            gone.iter().for_each(|key| put(key, None));
        });
    }
}

impl<K, V, S, F> StatefulOperator for UpdateState<K, V, S, F>
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
        context: BatchContext<'_>,
        batch: &mut Vec<(K, V)>,
        output: &mut Output<(K, S)>,
        log: &StateWriter,
    ) {
        let BatchContext { epoch, time, .. } = context;
        if !context.is_due(&self.rhythm) {
            debug_assert!(batch.is_empty(), "records come in batches that renew their stream");
            return;
        }
        let initial = self.initial.take();
        // Initial states were not delivered before the first batch, so nothing is taken back there.
        let is_first = initial.is_some();
        let initial = initial.map(|initial| initial.take(epoch, log));
        for (key, state) in initial.into_iter().flatten() {
            self.keys.insert(key, KeyEntry { state: Some(state), ..KeyEntry::new(time) });
        }
        for (key, value) in batch.drain(..) {
            let entry = match self.keys.entry(key) {
                hash_map::Entry::Occupied(entry) => entry.into_mut(),
                hash_map::Entry::Vacant(place) => {
                    check_itself(place.key());
                    place.insert(KeyEntry::new(time))
                }
            };
            entry.values.push(value);
            entry.fed = time;
        }
        let mut gone = Vec::new();
        self.keys.retain(|key, entry| {
            let old = entry.state.take();
            if !is_first && let Some(old) = &old {
                output.change(|| (key.clone(), old.clone()), -1);
            }
            let is_over = |idle| entry.fed < time && entry.fed + idle <= time;
            if !self.idle.get().is_some_and(is_over) {
                entry.state = (self.f)(time, key, old, &std::mem::take(&mut entry.values));
            }
            let Some(state) = &entry.state else {
                if log.is_on() {
                    gone.push(key.clone());
                }
                return false;
            };
            output.change(|| (key.clone(), state.clone()), 1);
            if output.wants_contents() {
                output.contents.push((key.clone(), state.clone()));
            }
            true
        });
        if log.is_on() {
            self.write(epoch, &gone, log);
        }
        output.held = Held::new(self.keys.len(), self.keys.allocation_size());
    }

    fn restore(
        &mut self,
        context: BatchContext<'_>,
        _: &mut Vec<(K, V)>,
        output: &mut Output<(K, S)>,
        log: &StateWriter,
    ) {
        self.initial.take_if(|_| log.has_written());
        let expires = self.idle.get().is_some();
        let mut fingerprints = Fingerprints::default();
        log.states(|key: K, state: Option<(S, u64)>| {
            if context.job.owns(&key) {
                match state {
                    Some((state, fed)) => {
                        // It was written while keys did not expire: it is idle from now on.
                        let fed_at =
                            if expires && fed == 0 { context.time } else { BatchTime::from_nanos(fed) };
                        let is_written = expires == (fed != 0);
                        let written = if is_written { fingerprints.of(&Some((&state, fed))) } else { 0 };
                        self.keys
                            .insert(key, KeyEntry { state: Some(state), written, ..KeyEntry::new(fed_at) });
                    }
                    None => drop(self.keys.remove(&key)),
                }
            }
        });
        let pairs = self.keys.iter().filter_map(|(key, entry)| Some((key.clone(), entry.state.clone()?)));
        output.contents.extend(pairs);
        output.held = Held::new(self.keys.len(), self.keys.allocation_size());
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
        let operator = UpdateState {
            keys: HashMap::default(),
            initial: Some(Initial::new(initial, &job)),
            f,
            idle: idle.clone(),
            rhythm: rhythm.clone(),
            values: PhantomData,
        };
        let owners = job.owners.clone();
        let by_owner = Exchange::new(move |(key, _): &(K, V)| owners.of(key));
        let relation = stateful(held, by_owner, id, job.clone(), operator);
        Stream::new(Unbounded { relation, idle }, id, job, rhythm)
    }
}
