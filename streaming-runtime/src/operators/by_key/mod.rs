//! Operators that bring the records of a key together.
//!
//! All are one, [`ByKey::aggregate`]: gather the records of a batch per key where they are, send one accumulator per key to
//! the worker that owns the key, and merge there. How long the accumulators are kept there depends on the kind of stream:
//! until the batch closes (`batch`), in a window (`window`), for as long as a table has the values (`table`), or in the
//! rounds of a loop (`looped`).
//!
//! A new operator of this family is a method that calls [`ByKey::aggregate`] with an aggregate, as those in `shorthand` do.

mod batch;
mod inverse;
mod looped;
mod shorthand;
mod table;
mod window;

use std::marker::PhantomData;

use crate::{
    aggregate::{Aggregate, Combine, Group, Once, Reduce, SumOfCounts},
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        keyed::Keyed,
        kind::{PerBatch, StreamKind, Table, UnboundedTable, UnboundedWindow, Windowed},
    },
};
pub(crate) use window::Slides;

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
        aggregate: G,
    ) -> Stream<'s, (K, R), Self::Out>
    where
        K: Key,
        V: Record;
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
    ///     /// Sum and count of each key.
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
