//! Operators that bring the records of two streams together by key.
//!
//! All are `cogroup`, and `cogroup` is a grouping of both streams at once: each record says which side it is
//! from. So they cost what `group_by_key` costs, and the joins the pairs that they make.

use serde::{Deserialize, Serialize};

use super::Emit;
use crate::{
    past::PerBatch,
    record::{Key, Keyed, Record},
    stream::{Chain, Stream},
};

/// A value with its side.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Side<V, W> {
    Left(V),
    Right(W),
}

type Groups<V, W> = (Vec<V>, Vec<W>);
/// What an outer join makes of two values, of which one may be missing.
type Outer<V, W> = (Option<V>, Option<W>);

impl<'s, T: 'static, C: Chain<Out = T>> Stream<'s, T, PerBatch, C> {
    /// For each key of either stream, its values in both, from the records of one batch.
    ///
    /// State: both batches, until they close.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn both<views: Source<(u64, String)>, buys: Source<(u64, i64)>, out: Sink<(u64, (Vec<String>, Vec<i64>))>>() {
    ///         views.cogroup(buys).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn cogroup<K: Key, V: Record, W: Record, U, D: Chain<Out = U>>(
        self,
        other: Stream<'s, U, PerBatch, D>,
    ) -> Stream<'s, (K, Groups<V, W>)>
    where
        T: Keyed<K, V>,
        U: Keyed<K, W> + 'static,
    {
        let id = self.id;
        let left = self.map(|record| {
            let (key, value) = record.part();
            (key, Side::<V, W>::Left(value))
        });
        let right = other.map(|record| {
            let (key, value) = record.part();
            (key, Side::<V, W>::Right(value))
        });
        let add = |mut groups: Groups<V, W>, value| {
            match value {
                Side::Left(value) => groups.0.push(value),
                Side::Right(value) => groups.1.push(value),
            }
            groups
        };
        let join = |mut groups: Groups<V, W>, mut more: Groups<V, W>| {
            groups.0.append(&mut more.0);
            groups.1.append(&mut more.1);
            groups
        };
        left.union(right.at(id)).combine_by_key(move |value| add((vec![], vec![]), value), add, join)
    }

    /// Each pair of records of one batch that share a key; duplicates make a pair each.
    ///
    /// State: both batches, until they close.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn matched<shown: Source<(u64, u32)>, clicked: Source<(u64, i64)>, out: Sink<(u64, (u32, i64))>>() {
    ///         shown.join(clicked).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn join<K: Key, V: Record, W: Record, U, D: Chain<Out = U>>(
        self,
        other: Stream<'s, U, PerBatch, D>,
    ) -> Stream<'s, (K, (V, W))>
    where
        T: Keyed<K, V>,
        U: Keyed<K, W> + 'static,
    {
        self.cogroup(other).flat_map(|(key, (left, right)), out| pairs(&key, &left, &right, out)).share()
    }

    /// As [`join`](Stream::join), and each record of this stream whose key the other batch has not, with `None`.
    ///
    /// State: both batches, until they close.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn kept<orders: Source<(u64, i64)>, names: Source<(u64, String)>, out: Sink<(u64, (i64, Option<String>))>>() {
    ///         orders.left_join(names).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn left_join<K: Key, V: Record, W: Record, U, D: Chain<Out = U>>(
        self,
        other: Stream<'s, U, PerBatch, D>,
    ) -> Stream<'s, (K, (V, Option<W>))>
    where
        T: Keyed<K, V>,
        U: Keyed<K, W> + 'static,
    {
        let made = self.cogroup(other).flat_map(|(key, (left, right)), out| {
            pairs(&key, &left, &or_none(right), out);
        });
        made.share()
    }

    /// As [`join`](Stream::join), and each record of the other stream whose key this batch has not, with `None`.
    ///
    /// State: both batches, until they close.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn kept<names: Source<(u64, String)>, orders: Source<(u64, i64)>, out: Sink<(u64, (Option<String>, i64))>>() {
    ///         names.right_join(orders).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn right_join<K: Key, V: Record, W: Record, U, D: Chain<Out = U>>(
        self,
        other: Stream<'s, U, PerBatch, D>,
    ) -> Stream<'s, (K, (Option<V>, W))>
    where
        T: Keyed<K, V>,
        U: Keyed<K, W> + 'static,
    {
        let made = self.cogroup(other).flat_map(|(key, (left, right)), out| {
            pairs(&key, &or_none(left), &right, out);
        });
        made.share()
    }

    /// As [`join`](Stream::join), and each record of either stream whose key the other batch has not, with
    /// `None`.
    ///
    /// State: both batches, until they close.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn all<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (Option<i64>, Option<i64>))>>() {
    ///         a.full_join(b).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn full_join<K: Key, V: Record, W: Record, U, D: Chain<Out = U>>(
        self,
        other: Stream<'s, U, PerBatch, D>,
    ) -> Stream<'s, (K, Outer<V, W>)>
    where
        T: Keyed<K, V>,
        U: Keyed<K, W> + 'static,
    {
        let made = self.cogroup(other).flat_map(|(key, (left, right)), out| {
            pairs(&key, &or_none(left), &or_none(right), out);
        });
        made.share()
    }
}

/// The values, or a single nothing.
fn or_none<V>(values: Vec<V>) -> Vec<Option<V>> {
    match values.is_empty() {
        true => vec![None],
        false => values.into_iter().map(Some).collect(),
    }
}

fn pairs<K: Clone, V: Clone, W: Clone>(key: &K, left: &[V], right: &[W], out: &mut Emit<'_, (K, (V, W))>) {
    for one in left {
        out.extend(right.iter().map(|other| (key.clone(), (one.clone(), other.clone()))));
    }
}
