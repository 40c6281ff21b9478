//! Borrowed keys: a word is copied only when a combiner finds that it is new.
//!
//! `stream!` recognises `flat_map(|line| line.split_whitespace().map(str::to_owned))`. It omits the last step and passes borrowed words
//! on; a `map(|word| (word, 1))` behind it passes pairs. An operator by key looks a borrowed word up and copies it only when it is new:
//! 1.2-1.4x on word counts (`cargo bench -p benches`). For any other reader the words are copied one by one, as the author wrote it.

use std::{borrow::Borrow, hash::BuildHasher};

use crate::{
    ids::OpId,
    panic_origin::named,
    record::Record,
    stream::{
        Stream,
        borrowed::{Lendable, LentPair, Reader},
        chain::{Chain, Rooted},
        kind::StreamKind,
    },
};

/// The lent pair of a [`PairLent`].
struct Lent<'a, B: Lendable + ?Sized, V> {
    key: &'a B,
    own: fn(&B) -> B::Owned,
    value: V,
}

impl<B: Lendable + ?Sized, V> LentPair<(B::Owned, V)> for Lent<'_, B, V> {
    #[inline]
    fn hash_one(&self, hasher: &impl BuildHasher) -> u64 {
        hasher.hash_one(self.key)
    }
    #[inline]
    fn has(&self, key: &B::Owned) -> bool {
        self.key == key.borrow()
    }
    #[inline]
    fn own(self) -> (B::Owned, V) {
        ((self.own)(self.key), self.value)
    }
    #[inline]
    fn value(self) -> V {
        self.value
    }
}

/// Takes what a `flat_map` lends of a record.
#[doc(hidden)]
pub struct EmitLent<'a, B: ?Sized> {
    out: &'a mut dyn FnMut(&B),
}

impl<B: ?Sized + 'static> EmitLent<'_, B> {
    /// Lends all of `items`.
    #[inline]
    pub fn extend<'i, I: IntoIterator<Item = &'i B>>(&mut self, items: I) {
        items.into_iter().for_each(&mut *self.out)
    }
}

/// A `flat_map` whose closure lends, and how what it lends is copied.
#[doc(hidden)]
pub struct FlatMapLent<C, F, B: Lendable + ?Sized> {
    chain: C,
    f: F,
    own: fn(&B) -> B::Owned,
    id: OpId,
}

impl<C: Chain, F, B: Lendable + ?Sized> FlatMapLent<C, F, B>
where
    F: FnMut(C::Out, &mut EmitLent<'_, B>) + 'static,
{
    #[inline]
    fn each(&mut self, record: C::In, out: &mut impl FnMut(&B)) {
        let FlatMapLent { chain, f, id, .. } = self;
        chain.push(record, &mut |record| named(*id, || f(record, &mut EmitLent { out })))
    }
}

impl<C: Rooted, F: 'static, B: Lendable + ?Sized> Rooted for FlatMapLent<C, F, B> {
    type In = C::In;
}

impl<C: Chain, F, B: Lendable + ?Sized> Chain for FlatMapLent<C, F, B>
where
    F: FnMut(C::Out, &mut EmitLent<'_, B>) + 'static,
{
    type Out = B::Owned;
    #[inline]
    fn push(&mut self, record: C::In, out: &mut impl FnMut(B::Owned)) {
        let own = self.own;
        self.each(record, &mut |item| out(own(item)))
    }
}

/// What a [`FlatMapLent`] lends, each with a value.
#[doc(hidden)]
pub struct PairLent<C, F, B: Lendable + ?Sized, G> {
    keys: FlatMapLent<C, F, B>,
    value: G,
}

impl<C: Rooted, F: 'static, B: Lendable + ?Sized, G: 'static> Rooted for PairLent<C, F, B, G> {
    type In = C::In;
}

impl<C: Chain, F, B: Lendable + ?Sized, V: 'static, G: FnMut() -> V + 'static> Chain for PairLent<C, F, B, G>
where
    F: FnMut(C::Out, &mut EmitLent<'_, B>) + 'static,
{
    type Out = (B::Owned, V);
    #[inline]
    fn push(&mut self, record: C::In, out: &mut impl FnMut((B::Owned, V))) {
        let (own, PairLent { keys, value }) = (self.keys.own, self);
        keys.each(record, &mut |key| out((own(key), value())))
    }
    #[inline]
    fn lend(&mut self, record: C::In, reader: &mut impl Reader<(B::Owned, V)>) {
        let (own, PairLent { keys, value }) = (self.keys.own, self);
        keys.each(record, &mut |key| reader.lent(Lent { key, own, value: value() }))
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// `flat_map` with the last step, a copy of each item by `own`, left out. `stream!` writes it.
    #[doc(hidden)]
    pub fn flat_map_lent<B: Lendable + ?Sized, F: FnMut(T, &mut EmitLent<'_, B>) + 'static>(
        self,
        f: F,
        own: fn(&B) -> B::Owned,
    ) -> Stream<'s, B::Owned, P, FlatMapLent<C, F, B>> {
        self.extend(|id, chain| FlatMapLent { chain, f, own, id })
    }
}

impl<'s, P: StreamKind, C: Chain, F, B: Lendable + ?Sized> Stream<'s, B::Owned, P, FlatMapLent<C, F, B>>
where
    F: FnMut(C::Out, &mut EmitLent<'_, B>) + 'static,
{
    /// `map(whole)` where `whole` makes a pair of the record and what `value` returns. `stream!` writes it.
    #[doc(hidden)]
    #[allow(clippy::type_complexity)] // the chain is spelled out so that it fuses
    pub fn map_lent<V: Record, G: FnMut() -> V + 'static>(
        self,
        whole: impl FnMut(B::Owned) -> (B::Owned, V) + 'static,
        value: G,
    ) -> Stream<'s, (B::Owned, V), P, PairLent<C, F, B, G>> {
        // Only its types are of use: it is the author's closure, and the errors in it are theirs to see.
        drop(whole);
        self.extend(|_, keys| PairLent { keys, value })
    }
}
