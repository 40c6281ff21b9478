//! Records that carry a key.

use crate::{
    record::{Pair, Record},
    stream::{Stream, kind::StreamKind},
};

/// A record that carries a key: a pair `(K, V)`.
#[diagnostic::on_unimplemented(
    message = "records of type `{Self}` have no key",
    label = "this operator works by key, so it needs records of type `(key, value)`",
    note = "add one step before it: `.key_by(|record| key)` or `.map(|record| (key, value))`"
)]
pub trait Keyed<K, V>: Pair<Key = K, Value = V> {
    /// This type. Operators that keep it return it by this name: where there is no pair they return nothing that
    /// is known, and the compiler has no more to say about what follows.
    #[doc(hidden)]
    type Same;
    /// Parts the record into its key and its value.
    #[doc(hidden)]
    fn part(self) -> (K, V);
    #[doc(hidden)]
    fn same<P: StreamKind>(pairs: Stream<'_, (K, V), P>) -> Stream<'_, Self::Same, P>
    where
        K: Record,
        V: Record,
        Self::Same: Record;
}
#[diagnostic::do_not_recommend]
impl<K, V> Keyed<K, V> for (K, V) {
    type Same = Self;
    fn part(self) -> (K, V) {
        self
    }
    fn same<P: StreamKind>(pairs: Stream<'_, (K, V), P>) -> Stream<'_, (K, V), P>
    where
        K: Record,
        V: Record,
    {
        pairs
    }
}
