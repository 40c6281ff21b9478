//! States that a function changes record by record.

use std::marker::PhantomData;

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    operators::{
        kernel::{
            exchange::Exchange,
            output::Output,
            state_table::{KeyState, StateTable},
            stateful::{StatefulOperator, stateful_emitting},
        },
        state::{Keeps, SaysHowLong, initial::Initial, pairs},
        window::Materialize,
    },
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        context::BatchContext,
        keyed::Keyed,
        kind::{StreamKind, Table},
    },
    time::BatchTime,
    timeline::rhythm::Rhythm,
};

/// The states of [`map_with_state`](Stream::map_with_state).
struct MapWithState<K, V, S, U, F> {
    states: StateTable<K, S>,
    initial: Option<Initial<K, S>>,
    f: F,
    keeps: Keeps,
    rhythm: Rhythm,
    values: PhantomData<(V, U)>,
}

impl<K, V, S, U, F> StatefulOperator for MapWithState<K, V, S, U, F>
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
        context: BatchContext<'_>,
        batch: &mut Vec<(K, V)>,
        output: &mut Output<(K, S), U>,
        log: &StateWriter,
    ) {
        let BatchContext { epoch, time, .. } = context;
        if !context.is_due(&self.rhythm) {
            debug_assert!(batch.is_empty(), "records come in batches that renew their stream");
            return;
        }
        let MapWithState { states, initial, f, keeps, .. } = self;
        let initial = initial.take().map(|initial| initial.take(epoch, log));
        for (key, state) in initial.into_iter().flatten() {
            states.touch(time, key, |_, known| known.update(state));
        }
        for (key, value) in batch.drain(..) {
            output.emitted.extend(states.touch(time, key, |key, state| f(time, key, Some(value), state)));
        }
        if let Keeps(Some(timeout)) = *keeps {
            let is_over = |touched| touched + timeout < time;
            while let Some(out) = states.time_out(is_over, |key, state| f(time, key, None, state)) {
                output.emitted.extend(out);
            }
        }
        states.close(epoch, output, log);
    }

    fn restore(
        &mut self,
        context: BatchContext<'_>,
        _: &mut Vec<(K, V)>,
        output: &mut Output<(K, S), U>,
        log: &StateWriter,
    ) {
        self.initial.take_if(|_| log.has_written());
        self.states.restore(context, output, log);
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Spark's `mapWithState`: calls `f` for each record with the state of its key, which `f` may
    /// [`update`](KeyState::update) or [`remove`](KeyState::remove). Records of one source come in its order.
    ///
    /// It returns two streams: the values that `f` returned, and the states. The latter delivers all states in each batch (Spark's
    /// `stateSnapshots`), or by [`changes`](Stream::changes) those that are different.
    ///
    /// State: what `f` stores per key, for as long as `keeps` says. With [`idle_for`](crate::idle_for), any record of a key keeps it, whether `f`
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
        let operator = MapWithState {
            states: StateTable::new(keeps.0.is_some(), job.state_log.is_on()),
            initial: Some(Initial::new(initial, &job)),
            f,
            keeps,
            rhythm: rhythm.clone(),
            values: PhantomData,
        };
        let owners = job.owners.clone();
        let by_owner = Exchange::new(move |(key, _): &(K, V)| owners.of(key));
        let (emitted, relation) = stateful_emitting(held, by_owner, id, job.clone(), operator);
        (
            Stream::new(emitted, id, job.clone(), rhythm.clone().passing()),
            Stream::new(relation, id, job, rhythm),
        )
    }
}
