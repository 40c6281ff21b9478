//! Operators that bring the records of a key together.
//!
//! All are one: combine the records of a batch per key where they are, send one combiner per key to the
//! worker that owns the key, and combine there. With one worker the second half is left out.

use std::{hash::BuildHasher, marker::PhantomData, rc::Rc};

use timely::dataflow::{
    StreamVec,
    channels::pact::{Exchange, Pipeline},
};

use super::{
    key_map::{Combining, KeyMap},
    per_epoch::{Answers, per_epoch},
};
use crate::{
    blame::named,
    record::{Key, Keyed, Record},
    stream::{Chain, Epoch, OpId, PerBatch, Stream},
};

/// Which worker owns a key. All workers of a job must agree, so the seed is fixed; what a hostile sender can
/// reach with it is uneven load, not long chains in the maps.
fn owner<K: Key>(key: &K) -> u64 {
    foldhash::fast::FixedState::with_seed(0x5eed).hash_one(key)
}

impl<'s, T: 'static, C: Chain<Out = T>> Stream<'s, T, PerBatch, C> {
    /// Merges the values of each key of a batch by `f`, which must be associative and commutative.
    ///
    /// State: one value per key of the batch, until it closes. An empty batch gives nothing.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         orders.reduce_by_key(|a, b| a + b).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn reduce_by_key<K: Key, V: Record, U: Record>(self, f: impl Fn(V, V) -> V + 'static) -> Stream<'s, U>
    where
        T: Keyed<K, V, Same = U>,
    {
        let f = Rc::new(f);
        let g = f.clone();
        T::same(self.combine(|value| value, move |a, b| f(a, b), move |a, b| g(a, b)))
    }

    /// The values of each key of a batch, in order of arrival with one worker.
    ///
    /// State: the batch, until it closes. Where a sum or a maximum will do, `reduce_by_key` is far cheaper.
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
    pub fn group_by_key<K: Key, V: Record>(self) -> Stream<'s, (K, Vec<V>)>
    where
        T: Keyed<K, V>,
    {
        let add = |mut group: Vec<V>, value| {
            group.push(value);
            group
        };
        let join = |mut group: Vec<V>, mut more: Vec<V>| {
            group.append(&mut more);
            group
        };
        self.combine(|value| vec![value], add, join)
    }

    /// Spark's `combineByKey`: `create` makes a combiner of a key's first value, `merge_value` adds a value,
    /// `merge_combiners` joins the combiners of two workers.
    ///
    /// State: one combiner per key of the batch, until it closes.
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
    pub fn combine_by_key<K: Key, V: Record, A: Record>(
        self,
        create: impl Fn(V) -> A + 'static,
        merge_value: impl Fn(A, V) -> A + 'static,
        merge_combiners: impl Fn(A, A) -> A + 'static,
    ) -> Stream<'s, (K, A)>
    where
        T: Keyed<K, V>,
    {
        self.combine(create, merge_value, merge_combiners)
    }

    /// How often each record occurs in a batch. State: one count per different record, until it closes.
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
    pub fn count_by_value(self) -> Stream<'s, (T, i64)>
    where
        T: Key,
    {
        self.map(|record| (record, 1)).reduce_by_key(|a, b| a + b)
    }

    /// Each record of a batch once. State: the different records, until the batch closes.
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
    pub fn distinct(self) -> Stream<'s, T>
    where
        T: Key,
    {
        self.map(|record| (record, ())).reduce_by_key(|(), ()| ()).map(|(record, ())| record).share()
    }

    fn combine<K: Key, V: Record, A: Record>(
        self,
        create: impl Fn(V) -> A + 'static,
        add: impl Fn(A, V) -> A + 'static,
        join: impl Fn(A, A) -> A + 'static,
    ) -> Stream<'s, (K, A)>
    where
        T: Keyed<K, V>,
    {
        let Stream { root, mut chain, id, job, .. } = self;
        let here = per_epoch(
            root,
            Pipeline,
            id,
            Answers::WhenFed,
            move |map: &mut KeyMap<K, A>, records| {
                let create = |value| named(id, || create(value));
                let add = |combiner, value| named(id, || add(combiner, value));
                let mut reader = Combining { map, create, add, values: PhantomData };
                records.drain(..).for_each(|record| chain.lend(record, &mut reader));
            },
            KeyMap::drain_into,
        );
        let owned = if job.workers == 1 { here } else { at_owners(here, id, join) };
        Stream::<T, PerBatch, C>::rooted(job, id, owned)
    }
}

/// Brings the combiners of each key to the key's worker and joins them there.
fn at_owners<'s, K: Key, A: Record>(
    here: StreamVec<'s, Epoch, (K, A)>,
    id: OpId,
    join: impl Fn(A, A) -> A + 'static,
) -> StreamVec<'s, Epoch, (K, A)> {
    per_epoch(
        here,
        Exchange::new(|(key, _): &(K, A)| owner(key)),
        id,
        Answers::WhenFed,
        move |map: &mut KeyMap<K, A>, records| {
            for (key, combiner) in records.drain(..) {
                map.merge(key, combiner, |a| a, |a, b| named(id, || join(a, b)));
            }
        },
        KeyMap::drain_into,
    )
}
