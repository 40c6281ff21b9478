//! Spark's windows by key with an inverse function, in which a key outlives its values.

use crate::{
    aggregate::ReduceBack,
    operators::{
        by_key::window::{Slides, window_by_key},
        kernel::window_spec::RetainedKeys,
    },
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        held::{Idle, Unbounded},
        keyed::Keyed,
        kind::{StreamKind, Table, UnboundedTable},
    },
};

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
        let retained = RetainedKeys { shown: None, idle: idle.clone() };
        let kept = window_by_key(P::window(self), ReduceBack(f, inverse), Some(retained));
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
        let retained = RetainedKeys { shown: Some(Box::new(filter)), idle: Idle::default() };
        T::same(window_by_key(P::window(self), ReduceBack(f, inverse), Some(retained)))
    }
}
