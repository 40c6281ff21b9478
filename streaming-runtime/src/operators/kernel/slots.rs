//! Keys in numbered slots: a reference to a key is a number, and needs neither a look-up nor a copy.

use std::hash::BuildHasher;

use hashbrown::hash_table::{Entry, HashTable};

use crate::{operators::kernel::hashing::one_hasher, panic_origin::check_itself, record::Key};

/// An `S` for each key.
pub(crate) struct Slots<K, S> {
    numbers: HashTable<u32>,
    slots: Vec<Option<(K, S)>>,
    free: Vec<u32>,
    hasher: foldhash::fast::RandomState,
}

impl<K, S> Default for Slots<K, S> {
    fn default() -> Self {
        Slots { numbers: HashTable::new(), slots: Vec::new(), free: Vec::new(), hasher: one_hasher() }
    }
}

const FILLED: &str = "a slot is used only until it is released";

impl<K, S> Slots<K, S> {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Bytes of the room for them, without what lies behind pointers in them.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = self.numbers.allocation_size() + self.free.capacity() * size_of::<u32>();
        numbers + self.slots.capacity() * size_of::<Option<(K, S)>>()
    }
}

impl<K: Key, S: Default> Slots<K, S> {
    /// The slot of `key`, which is new if there was none.
    pub(crate) fn number(&mut self, key: K) -> u32 {
        let Slots { numbers, slots, free, hasher } = self;
        let key_of = |number: &u32| &slots[*number as usize].as_ref().expect(FILLED).0;
        let entry = numbers.entry(
            hasher.hash_one(&key),
            |number| *key_of(number) == key,
            |number| hasher.hash_one(key_of(number)),
        );
        match entry {
            Entry::Occupied(number) => *number.get(),
            Entry::Vacant(place) => {
                check_itself(&key);
                let number = free.pop().unwrap_or(slots.len() as u32);
                place.insert(number);
                if number as usize == slots.len() {
                    slots.push(None);
                }
                slots[number as usize] = Some((key, S::default()));
                number
            }
        }
    }

    pub(crate) fn get(&self, number: u32) -> &(K, S) {
        self.slots[number as usize].as_ref().expect(FILLED)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> &mut (K, S) {
        self.slots[number as usize].as_mut().expect(FILLED)
    }

    /// All keys with their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, S)> {
        self.slots.iter().flatten()
    }

    /// As [`iter`](Slots::iter), with the slots' numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &(K, S))> {
        (0..).zip(&self.slots).filter_map(|(number, slot)| Some((number, slot.as_ref()?)))
    }

    /// Forgets a key.
    pub(crate) fn release(&mut self, number: u32) {
        let (key, _) = self.slots[number as usize].take().expect(FILLED);
        let found = self.numbers.find_entry(self.hasher.hash_one(&key), |other| *other == number);
        found.expect("a slot's number is in the table").remove();
        self.free.push(number);
        if self.numbers.is_empty() {
            // When nothing comes any more, the room for what came is given back.
            (self.numbers, self.slots, self.free) = Default::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let mut slots = Slots::<String, u32>::default();
        for round in 0..100 {
            let numbers = [0, 1, 2].map(|n| slots.number(format!("{round} {n}")));
            slots.get_mut(numbers[1]).1 = round;
            assert_eq!(slots.number(format!("{round} 1")), numbers[1]);
            assert_eq!(slots.get(numbers[1]), &(format!("{round} 1"), round));
            assert_eq!(slots.numbered().map(|(number, _)| number).collect::<Vec<_>>(), [0, 1, 2]);
            numbers.into_iter().for_each(|number| slots.release(number));
            assert_eq!((slots.len(), slots.iter().count()), (0, 0));
        }
    }
}
