//! Operators that bring the records of a key together.
//!
//! All are one: gather the records of a batch per key where they are, send one accumulator per key to the worker that
//! owns the key, and merge there: until the batch closes, or in a window.

use std::{convert::Infallible, marker::PhantomData, rc::Rc, time::Duration};

use timely::dataflow::{
    StreamVec,
    channels::pact::{Exchange, Pipeline},
};

use crate::{
    aggregate::{Aggregate, Combine, Group, Once, Reduce, ReduceBack, SumOfCounts},
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    observe::panic_origin::named,
    operators::kernel::{
        epoch_queue::{Answers, per_epoch},
        key_map::{Combining, KeyMap},
        sliding::{Lasts, Sliding, WindowSpec},
        stateful::{BatchContext, Output, StatefulOperator, keep},
    },
    record::{Key, Keyed, Record},
    stream::{
        Stream,
        chain::Chain,
        context::JobContext,
        kind::{
            Idle, PerBatch, Relation, StreamKind, Table, Unbounded, UnboundedTable, UnboundedWindow, Windowed,
        },
        rhythm::Rhythm,
    },
    time::BatchTime,
};

/// A stream whose records can be brought together by key, and what the result holds of its past.
#[diagnostic::on_unimplemented(
    message = "the state of this stream can grow without bound",
    label = "nothing says how long it is kept",
    note = "say it before this operator: `.expire_after(minutes(30))`, or `.allow_unbounded(\"why\")` if it is meant to grow"
)]
pub trait ByKey<K, V, R>: StreamKind {
    #[doc(hidden)]
    type Out: StreamKind;
    #[doc(hidden)]
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        how: G,
    ) -> Stream<'s, (K, R), Self::Out>
    where
        K: Key,
        V: Record;
}

#[diagnostic::do_not_recommend]
impl<K, V, R: Record> ByKey<K, V, R> for PerBatch {
    type Out = PerBatch;
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        how: G,
    ) -> Stream<'s, (K, R), PerBatch>
    where
        K: Key,
        V: Record,
    {
        let Stream { held, chain, id, job, rhythm, .. } = stream;
        job.depends_on_order(G::IN_ORDER);
        let how = Rc::new(how);
        let result = how.clone();
        let whole = move |map: &mut KeyMap<K, G::Accumulator>, out: &mut Vec<(K, G::Result)>| {
            map.drain_into(out, |accumulator| named(id, || result.result(accumulator)));
        };
        let root = if job.workers == 1 {
            gather::<T, K, V, C, G, _>(held, chain, id, how, whole)
        } else {
            let here = gather(held, chain, id, how.clone(), |map, out| map.drain_into(out, |a| a));
            let owners = job.owners.clone();
            per_epoch(
                here,
                Exchange::new(move |(key, _): &(K, G::Accumulator)| owners.of(key)),
                id,
                Answers::WhenFed,
                move |map: &mut KeyMap<K, G::Accumulator>, records| {
                    for (key, accumulator) in records.drain(..) {
                        map.merge(key, accumulator, |a| a, |a, b| named(id, || how.merge(a, b)));
                    }
                },
                move |_, map, out| whole(map, out),
            )
        };
        Stream::new(root, id, job, rhythm)
    }
}

#[diagnostic::do_not_recommend]
impl<K, V, R: Record> ByKey<K, V, R> for Windowed {
    type Out = Table;
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        how: G,
    ) -> Stream<'s, (K, R), Table>
    where
        K: Key,
        V: Record,
    {
        slide(stream, how, None)
    }
}

/// A stream whose values have an order of arrival.
#[diagnostic::on_unimplemented(
    message = "in a loop values have no order of arrival",
    label = "the values of a key are listed in the order in which they arrived, and here they go round",
    note = "put this operator before or behind the loop, or use what does not depend on the order: `.reduce_by_key(..)` with a minimum, a maximum or a sum, `.distinct()`, `.join(..)`"
)]
pub trait Arrives: StreamKind {}
impl Arrives for PerBatch {}
impl Arrives for Windowed {}
impl Arrives for Table {}
impl Arrives for UnboundedTable {}
impl Arrives for UnboundedWindow {}

/// Gathers the records of a batch per key, on the worker where they are.
fn gather<
    's,
    T: Keyed<K, V> + 'static,
    K: Key,
    V: Record,
    C: Chain<Out = T>,
    G: Aggregate<V>,
    U: Clone + 'static,
>(
    root: StreamVec<'s, Epoch, C::In>,
    mut chain: C,
    id: OpId,
    how: Rc<G>,
    mut drain: impl FnMut(&mut KeyMap<K, G::Accumulator>, &mut Vec<U>) + 'static,
) -> StreamVec<'s, Epoch, U> {
    per_epoch(
        root,
        Pipeline,
        id,
        Answers::WhenFed,
        move |map: &mut KeyMap<K, G::Accumulator>, records| {
            let create = |value| named(id, || how.create(value));
            let add = |accumulator, value| named(id, || how.add(accumulator, value));
            let mut reader = Combining { map, create, add, values: PhantomData };
            records.drain(..).for_each(|record| chain.lend(record, &mut reader));
        },
        move |_, map, out| drain(map, out),
    )
}

/// A stream of which something leaves.
#[diagnostic::on_unimplemented(
    message = "nothing leaves this stream, so there is nothing to undo",
    label = "an inverse undoes what leaves a window",
    note = "put `.window(size, slide)` before it, or use `reduce_by_key` or `reduce`, which need no inverse"
)]
pub trait Slides: StreamKind {
    #[doc(hidden)]
    fn window<'s, T: 'static, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, Windowed, C>;
}

impl Slides for Windowed {
    fn window<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, T, Self, C> {
        stream
    }
}

/// What a window makes of each key.
fn slide<'s, T: Keyed<K, V> + 'static, K: Key, V: Record, C: Chain<Out = T>, G: Aggregate<V>>(
    stream: Stream<'s, T, Windowed, C>,
    how: G,
    lasts: Option<Lasts<(K, G::Result)>>,
) -> Stream<'s, (K, G::Result), Table> {
    let Stream { held, chain, id, job, rhythm, .. } = stream;
    job.depends_on_order(G::IN_ORDER);
    let how = Rc::new(how);
    let here = gather(held.batches, chain, id, how.clone(), |map, out| map.drain_into(out, |a| a));
    let relation = slide_here::<K, V, G>(here, held.size, rhythm.clone(), id, job.clone(), how, lasts);
    Stream::new(relation, id, job, rhythm)
}

/// The part of [`slide`] at the owners of the keys. It does not know the chain, so that it is compiled once a type.
fn slide_here<'s, K: Key, V: Record, G: Aggregate<V>>(
    here: StreamVec<'s, Epoch, (K, G::Accumulator)>,
    size: Option<Duration>,
    rhythm: Rhythm,
    id: OpId,
    job: Rc<JobContext>,
    how: Rc<G>,
    lasts: Option<Lasts<(K, G::Result)>>,
) -> Relation<'s, (K, G::Result)> {
    let cut = WindowSpec::new(size, rhythm.step(job.interval));
    let keeper = Slide { sliding: Sliding::<K, V, G>::new(cut, lasts), how, rhythm, job: job.clone() };
    let owners = job.owners.clone();
    keep(here, Exchange::new(move |(key, _): &(K, G::Accumulator)| owners.of(key)), id, job, keeper)
}

/// A window by key.
struct Slide<K, V, G: Aggregate<V>> {
    sliding: Sliding<K, V, G>,
    how: Rc<G>,
    rhythm: Rhythm,
    job: Rc<JobContext>,
}

impl<K: Key, V: Record, G: Aggregate<V>> StatefulOperator for Slide<K, V, G> {
    type In = (K, G::Accumulator);
    type Out = (K, G::Result);
    type Emitted = Infallible;

    const KIND: &'static str = "aggregate";

    fn shape(&self) -> Option<StateShape> {
        Some(self.sliding.shape(self.how.parameters()))
    }

    fn close(
        &mut self,
        at: BatchContext,
        batch: &mut Vec<Self::In>,
        said: &mut Output<Self::Out>,
        log: &StateWriter,
    ) {
        let is_due = self.job.is_due(at.epoch, &self.rhythm);
        if log.is_on() {
            let next = (!is_due).then(|| self.rhythm.at_or_next(at.time, self.job.interval));
            self.sliding.write(at, next, batch, log);
        }
        self.sliding.batch(at.time, batch.drain(..), &*self.how, said.wants_changes());
        if is_due {
            self.sliding.slide(at, &*self.how, said, log);
        }
        said.held = self.sliding.held();
    }

    fn restore(
        &mut self,
        as_of: BatchTime,
        log: &StateWriter,
        _: &mut Vec<Self::In>,
        said: &mut Output<Self::Out>,
    ) {
        let job = self.job.clone();
        let due = job.last_due(as_of, &self.rhythm);
        self.sliding.restore(due, |key| job.owns(key), &*self.how, said, log);
        said.held = self.sliding.held();
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Merges the values of each key with `f`, which must be associative and, with several workers, commutative.
    ///
    /// | on | result | state | cost |
    /// |---|---|---|---|
    /// | a batch | the batch's values; nothing for an empty batch | one value per key, until the batch closes | the batch; values are combined before they travel |
    /// | a window | the window's values, kept up to date | two values per key and pane | what enters and leaves |
    /// | a table | its values, in order of arrival | all values of each key | all values of the keys that changed |
    ///
    /// Where `f` can be undone, `aggregate_by_key(sum())` and
    /// [`reduce_by_key_with_inverse`](Stream::reduce_by_key_with_inverse) store less. State:
    /// as in the table.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>, minute: Sink<(u64, i64)>>() {
    ///         orders.reduce_by_key(|a, b| a + b).to(out);
    ///         orders.window(minutes(1), secs(1)).reduce_by_key(|a, b| a + b).to(minute);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn reduce_by_key<K: Key, V: Record, U: Record, Q: StreamKind>(
        self,
        f: impl Fn(V, V) -> V + 'static,
    ) -> Stream<'s, U, Q>
    where
        T: Keyed<K, V, Same = U>,
        P: ByKey<K, V, V, Out = Q>,
    {
        T::same(P::aggregate(self, Reduce(f)))
    }

    /// Lists the values of each key: the oldest batch first, and within a batch in the order of their source.
    ///
    /// State: every value of the batch or the window. Cost: all values of a key are copied each time that it is delivered. Where a
    /// sum or a maximum is enough, [`reduce_by_key`](Stream::reduce_by_key) is far cheaper.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn grouped<orders: Source<(u64, i64)>, out: Sink<(u64, Vec<i64>)>>() {
    ///         orders.group_by_key().to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn group_by_key<K: Key, V: Record, Q: StreamKind>(self) -> Stream<'s, (K, Vec<V>), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, Vec<V>, Out = Q> + Arrives,
    {
        P::aggregate(self, Group)
    }

    /// Spark's `combineByKey`: `create` makes a combiner of a key's first value, `merge_value` adds a value to it, and
    /// `merge_combiners` merges two combiners, of two workers or of two panes of a window.
    ///
    /// State: one combiner per key of the batch; on windows as [`reduce_by_key`](Stream::reduce_by_key).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// SumOfCounts and count of each key.
    ///     #[batch(secs(1))]
    ///     fn sums<pairs: Source<(String, i64)>, out: Sink<(String, (i64, u64))>>() {
    ///         pairs
    ///             .combine_by_key(
    ///                 |v| (v, 1),
    ///                 |(sum, n), v| (sum + v, n + 1),
    ///                 |(a, n), (b, m)| (a + b, n + m),
    ///             )
    ///             .to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn combine_by_key<K: Key, V: Record, A: Record, Q: StreamKind>(
        self,
        create: impl Fn(V) -> A + 'static,
        merge_value: impl Fn(A, V) -> A + 'static,
        merge_combiners: impl Fn(A, A) -> A + 'static,
    ) -> Stream<'s, (K, A), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, A, Out = Q>,
    {
        P::aggregate(self, Combine(create, merge_value, merge_combiners, PhantomData))
    }

    /// Aggregates the values of each key: with a [named aggregate](crate::aggregate), several of them as a tuple, or your own
    /// [`Aggregate`].
    ///
    /// State: one accumulator per key of the batch. On windows it depends on the aggregate: one value per key and pane where
    /// leaving values can be undone (integer sums, counts), two where not. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::{aggregate::{count, mean}, prelude::*};
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn prices<trades: Source<(String, f64)>, out: Sink<(String, (i64, f64))>>() {
    ///         trades.window(minutes(5), secs(10)).aggregate_by_key((count(), mean())).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn aggregate_by_key<K: Key, V: Record, G: Aggregate<V>, Q: StreamKind>(
        self,
        aggregate: G,
    ) -> Stream<'s, (K, G::Result), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, G::Result, Out = Q>,
    {
        P::aggregate(self, aggregate)
    }

    /// Counts how often each record occurs in a batch or a window. State: one count per distinct record, and on windows one per
    /// distinct record and pane. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn counts<words: Source<String>, out: Sink<(String, i64)>>() {
    ///         words.count_by_value().to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn count_by_value<Q: StreamKind>(self) -> Stream<'s, (T, i64), Q>
    where
        T: Key,
        P: ByKey<T, i64, i64, Out = Q>,
    {
        P::aggregate(self.map(|record| (record, 1)), SumOfCounts)
    }

    /// Delivers each distinct record of a batch or a window once. State: the distinct records, and on windows a number per distinct
    /// record and pane. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn visitors<users: Source<u64>, out: Sink<u64>>() {
    ///         users.distinct().to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn distinct<Q: StreamKind>(self) -> Stream<'s, T, Q>
    where
        T: Key,
        P: ByKey<T, (), (), Out = Q>,
    {
        let once = P::aggregate(self.map(|record| (record, ())), Once).map(|(record, ())| record).share();
        // Different pairs are different records still.
        once.on(|held| Q::settled(held))
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Spark's `reduceByKeyAndWindow` with an inverse: `f` merges values that enter the window, `inverse` undoes values that leave.
    ///
    /// As in Spark, a key stays when it has nothing left in the window, with the value that `inverse` leaves (a sum of 0). So say
    /// how long it stays: `.expire_after(..)`, `.allow_unbounded("why")`, or use
    /// [`reduce_by_key_with_inverse_and_filter`](Stream::reduce_by_key_with_inverse_and_filter). `aggregate_by_key(sum())` needs no
    /// inverse and leaves nothing behind.
    ///
    /// State: one value per key, and one per key and pane. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         let recent = orders.window(minutes(1), secs(1));
    ///         recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).expire_after(hours(1)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn reduce_by_key_with_inverse<K: Key, V: Record, U: Record>(
        self,
        f: impl Fn(V, V) -> V + 'static,
        inverse: impl Fn(V, V) -> V + 'static,
    ) -> Stream<'s, U, UnboundedTable>
    where
        T: Keyed<K, V, Same = U>,
        P: Slides,
    {
        let idle = Idle::default();
        let lasts = Lasts { shown: None, idle: idle.clone() };
        let kept = slide(P::window(self), ReduceBack(f, inverse), Some(lasts));
        T::same(kept.on(|relation| Unbounded { relation, idle }))
    }

    /// As [`reduce_by_key_with_inverse`](Stream::reduce_by_key_with_inverse), but pairs for which `filter` returns `false` are not
    /// delivered, and are forgotten when the key has nothing left in the window. State: one value per key in the window or kept by
    /// `filter`, and one per key and pane.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         orders
    ///             .window(minutes(1), secs(1))
    ///             .reduce_by_key_with_inverse_and_filter(|a, b| a + b, |a, b| a - b, |&(_, sum)| sum != 0)
    ///             .to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn reduce_by_key_with_inverse_and_filter<K: Key, V: Record, U: Record>(
        self,
        f: impl Fn(V, V) -> V + 'static,
        inverse: impl Fn(V, V) -> V + 'static,
        filter: impl Fn(&(K, V)) -> bool + 'static,
    ) -> Stream<'s, U, Table>
    where
        T: Keyed<K, V, Same = U>,
        P: Slides,
    {
        let lasts = Lasts { shown: Some(Box::new(filter)), idle: Idle::default() };
        T::same(slide(P::window(self), ReduceBack(f, inverse), Some(lasts)))
    }
}
