//! A map from keys to combiners.

use std::{hash::BuildHasher, marker::PhantomData, mem::needs_drop};

use hashbrown::hash_table::{Entry, HashTable, OccupiedEntry};

use crate::{
    observe::operator_stats::{Held, Holds},
    operators::kernel::hashing::one_hasher,
    panic_origin::check_itself,
    record::{Key, Record},
    stream::{
        borrowed::{LentPair, Reader},
        keyed::Keyed,
    },
};

/// One combiner `A` a key.
pub(crate) struct KeyMap<K, A> {
    table: HashTable<(K, A)>,
    /// In place of the table if there is but one key: what is made of a batch that has none is made without hashing.
    only: Option<(K, A)>,
    hasher: foldhash::fast::RandomState,
}

impl<K, A> Default for KeyMap<K, A> {
    fn default() -> Self {
        KeyMap { table: HashTable::new(), only: None, hasher: one_hasher() }
    }
}

impl<K, A> Holds for KeyMap<K, A> {
    fn held(&self) -> Held {
        Held::new(self.table.len() + usize::from(self.only.is_some()), self.table.allocation_size())
    }
}

impl<K: Key, A: Record> KeyMap<K, A> {
    /// Whether the type of the keys has but one value, as `()` has.
    const LONE: bool = size_of::<K>() == 0;

    /// Adds `value` to the combiner of `key`, or creates it.
    #[inline]
    pub(crate) fn merge<V>(
        &mut self,
        key: K,
        value: V,
        create: impl FnOnce(V) -> A,
        add: impl FnOnce(A, V) -> A,
    ) {
        if Self::LONE {
            self.only = Some(match self.only.take() {
                None => (key, create(value)),
                Some((key, old)) => (key, add(old, value)),
            });
            return;
        }
        match self.entry(self.hasher.hash_one(&key), |other| *other == key) {
            Entry::Occupied(slot) => replace(slot, value, add),
            Entry::Vacant(slot) => {
                check_itself(&key);
                slot.insert((key, create(value)));
            }
        }
    }

    #[inline]
    fn entry(&mut self, hash: u64, is: impl Fn(&K) -> bool) -> Entry<'_, (K, A)> {
        let hasher = &self.hasher;
        self.table.entry(hash, |(key, _)| is(key), |(key, _)| hasher.hash_one(key))
    }

    /// Empties the map into `out` and keeps its capacity.
    pub(crate) fn drain_into<U>(&mut self, out: &mut Vec<(K, U)>, mut f: impl FnMut(A) -> U) {
        let mut close = |(key, accumulator)| (key, f(accumulator));
        match Self::LONE {
            true => out.extend(self.only.take().map(&mut close)),
            false => out.extend(self.table.drain().map(&mut close)),
        }
    }
}

/// Replaces a combiner by what `add` makes of it.
#[inline]
fn replace<K, A: Clone, V>(mut slot: OccupiedEntry<'_, (K, A)>, value: V, add: impl FnOnce(A, V) -> A) {
    if needs_drop::<A>() {
        let ((key, old), place) = slot.remove();
        place.insert((key, add(old, value)));
    } else {
        // Numbers and the like: a copy in place is cheaper than to empty the slot and fill it again.
        let combiner = &mut slot.get_mut().1;
        *combiner = add(combiner.clone(), value);
    }
}

/// Adds what it reads to a map.
pub(crate) struct Combining<'a, K, V, A, F, G> {
    pub(crate) map: &'a mut KeyMap<K, A>,
    pub(crate) create: F,
    pub(crate) add: G,
    pub(crate) values: PhantomData<V>,
}

impl<T, K: Key, V, A: Record, F, G> Reader<T> for Combining<'_, K, V, A, F, G>
where
    T: Keyed<K, V>,
    F: FnMut(V) -> A,
    G: FnMut(A, V) -> A,
{
    #[inline]
    fn own(&mut self, record: T) {
        let (key, value) = record.part();
        self.map.merge(key, value, &mut self.create, &mut self.add)
    }
    /// The key is copied only if it is new.
    #[inline]
    fn lent<L: LentPair<T>>(&mut self, pair: L) {
        if KeyMap::<K, A>::LONE {
            let (key, value) = pair.own();
            return self.map.merge(key, value, &mut self.create, &mut self.add);
        }
        let hash = pair.hash_one(&self.map.hasher);
        match self.map.entry(hash, |key| pair.has(key)) {
            Entry::Occupied(slot) => replace(slot, pair.value(), &mut self.add),
            Entry::Vacant(slot) => {
                let (key, value) = pair.own();
                check_itself(&key);
                slot.insert((key, (self.create)(value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lent pair of a key that has but one value.
    struct LentKeys(i64);

    impl LentPair<((), i64)> for LentKeys {
        fn hash_one(&self, hasher: &impl BuildHasher) -> u64 {
            hasher.hash_one(())
        }
        fn has(&self, (): &()) -> bool {
            true
        }
        fn own(self) -> ((), i64) {
            ((), self.0)
        }
        fn value(self) -> i64 {
            self.0
        }
    }

    #[test]
    fn a_key_that_has_but_one_value_is_kept_without_the_table() {
        let mut map = KeyMap::<(), i64>::default();
        for round in 0..2 {
            let mut reader =
                Combining { map: &mut map, create: |n| n, add: |a, b| a - b, values: PhantomData };
            reader.own(((), 10 + round));
            reader.lent(LentKeys(1));
            reader.own(((), 2));
            assert_eq!(map.held(), Held::new(1, 0));
            let mut out = vec![((), 0)];
            map.drain_into(&mut out, |n| n * 2);
            assert_eq!(out, [((), 0), ((), 2 * (7 + round))]);
            assert_eq!(map.held(), Held::new(0, 0));
        }
    }
}
