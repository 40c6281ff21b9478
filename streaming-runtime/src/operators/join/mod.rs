//! Operators that bring the records of two streams together by key.
//!
//! What a key makes of the values of two sides is a [`JoinLogic`](crate::operators::kernel::hash_join::JoinLogic); how it is kept depends on what the streams hold:
//!
//! | sides | lowering |
//! |---|---|
//! | two batches | both are grouped by key at once, as `group_by_key` does |
//! | windows, histories, what is kept, and a batch, or contents that stand, with one of these | a symmetric hash join, `hash_join` |
//! | streams of a loop | differential's join of arrangements |
//!
//! The results of a key are in the order in which they came to be: for records that pass as they are, in order of arrival.

mod kind;
mod looped;
mod lowering;

use crate::{
    operators::{
        by_key::Arrives,
        join::kind::{Anti, Cogroup, FullOuter, Inner, LeftOuter, Pairs, RightOuter, Semi},
    },
    record::{Key, Record},
    stream::{Stream, chain::Chain, keyed::Keyed, kind::StreamKind},
};
pub(crate) use lowering::Joins;

type Groups<V, W> = (Vec<V>, Vec<W>);
/// What an outer join makes of two values, of which one may be missing.
type Outer<V, W> = (Option<V>, Option<W>);

/// A pair whose key is that of the other stream.
#[diagnostic::on_unimplemented(
    message = "this stream has no key of type `{K}`",
    label = "its records are of type `{Self}`, and to meet those of the other stream they must be `({K}, value)`",
    note = "give it such a key before: `.key_by(|record| key)`, or `.map(|record| (key, value))` where it has one of another type"
)]
pub trait Meets<K, W>: Keyed<K, W> {}
#[diagnostic::do_not_recommend]
impl<K, W> Meets<K, W> for (K, W) {}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// For each key of either stream, the values that it has in both.
    ///
    /// State: both batches, until they close; the records in windows and histories; of a batch that is looked up in a table, the
    /// table. Cost: the keys that changed, with all their values.
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
    pub fn cogroup<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, Groups<V, W>), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Cogroup, Out = R> + Arrives,
    {
        P::join(self, other, Cogroup)
    }

    /// Each pair of records that share a key; duplicates make a pair each.
    ///
    /// | of | pairs | cost |
    /// |---|---|---|
    /// | two batches | those within the batch | the batch |
    /// | two windows or tables | all pairs of both contents, kept up to date | the pairs that come and go |
    /// | a batch with a window, a table or a snapshot | those of the batch with the contents as of their last renewal | the batch's pairs |
    ///
    /// The last one is a look-up in a table that changes. See
    /// [streams with different rhythms](crate::guide::semantics#streams-with-different-rhythms).
    ///
    /// State: both batches, until they close; the records in windows and histories; of a batch that is looked up in a table or a
    /// snapshot, the table.
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
    pub fn join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, (V, W)), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<Inner>, Out = R>,
    {
        P::join(self, other, Pairs(Inner))
    }

    /// As [`join`](Stream::join), and each record of this stream whose key the other has not, with `None`.
    ///
    /// State: both batches, until they close; of windows and histories the records in them; of a batch looked up in a
    /// table, the table.
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
    pub fn left_join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, (V, Option<W>)), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<LeftOuter>, Out = R>,
    {
        P::join(self, other, Pairs(LeftOuter))
    }

    /// As [`join`](Stream::join), and each record of the other stream whose key this one has not, with `None`.
    ///
    /// State: both batches, until they close; of windows and histories the records in them; of a batch looked up in a
    /// table, the table.
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
    pub fn right_join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, (Option<V>, W)), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<RightOuter>, Out = R>,
    {
        P::join(self, other, Pairs(RightOuter))
    }

    /// As [`join`](Stream::join), and each record of either stream whose key the other has not, with `None`.
    ///
    /// State: both batches, until they close; of windows and histories the records in them; of a batch looked up in a
    /// table, the table.
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
    pub fn full_join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, Outer<V, W>), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<FullOuter>, Out = R>,
    {
        P::join(self, other, Pairs(FullOuter))
    }

    /// The records whose key is in the other stream, a stream of keys. For Spark's `intersection`, which keeps each record once, add
    /// `.distinct()`.
    ///
    /// State: as [`join`](Stream::join).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn checked<clicks: Source<(u64, String)>, known: Source<u64>, out: Sink<(u64, String)>>() {
    ///         clicks.semijoin(known.window(minutes(1), secs(1))).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn semijoin<K: Key, V: Record, Q: StreamKind, D: Chain<Out = K>, R: StreamKind>(
        self,
        keys: Stream<'s, K, Q, D>,
    ) -> Stream<'s, (K, V), R>
    where
        T: Keyed<K, V>,
        P: Joins<Q, K, V, (), Pairs<Semi>, Out = R>,
    {
        P::join(self, keys.map(|key| (key, ())), Pairs(Semi))
    }

    /// The records whose key is not in the other stream, a stream of keys: Spark's `subtract` on whole records is `.map(|record| (record, ())).antijoin(others)`.
    ///
    /// State: as [`join`](Stream::join).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn checked<clicks: Source<(u64, String)>, blocked: Source<u64>, out: Sink<(u64, String)>>() {
    ///         clicks.antijoin(blocked.window(minutes(1), secs(1))).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn antijoin<K: Key, V: Record, Q: StreamKind, D: Chain<Out = K>, R: StreamKind>(
        self,
        keys: Stream<'s, K, Q, D>,
    ) -> Stream<'s, (K, V), R>
    where
        T: Keyed<K, V>,
        P: Joins<Q, K, V, (), Pairs<Anti>, Out = R>,
    {
        P::join(self, keys.map(|key| (key, ())), Pairs(Anti))
    }
}
