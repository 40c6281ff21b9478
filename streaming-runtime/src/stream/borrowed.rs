//! Pairs whose keys are borrowed from the record that they came with.

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
};

use crate::record::{Pair, Record};

/// Something that can be borrowed, looked up by and copied: `str` for `String`.
#[doc(hidden)]
pub trait Lendable: ToOwned<Owned: Record + Borrow<Self>> + Hash + Eq + 'static {}
impl<B: ToOwned<Owned: Record + Borrow<B>> + Hash + Eq + ?Sized + 'static> Lendable for B {}

/// A pair `T` whose key is only lent.
#[doc(hidden)]
pub trait LentPair<T: Pair>: Sized {
    fn hash_one(&self, hasher: &impl BuildHasher) -> u64;
    fn has(&self, key: &T::Key) -> bool;
    fn own(self) -> (T::Key, T::Value);
    fn value(self) -> T::Value;
}

/// A reader of records that can do with a borrowed key.
#[doc(hidden)]
pub trait Reader<T> {
    /// Takes a record.
    fn own(&mut self, record: T);
    /// Takes a pair of which the key is only lent.
    fn lent<L: LentPair<T>>(&mut self, pair: L)
    where
        T: Pair;
}
