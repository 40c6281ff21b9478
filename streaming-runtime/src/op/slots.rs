//! Keys in numbered slots, so that what refers to a key costs neither a look-up nor a copy of it.

use std::hash::BuildHasher;

use hashbrown::hash_table::{Entry, HashTable};

use crate::record::Key;

/// An `S` for each key.
pub(super) struct Slots<K, S> {
    numbers: HashTable<u32>,
    slots: Vec<Option<(K, S)>>,
    free: Vec<u32>,
    hasher: foldhash::fast::RandomState,
}

impl<K, S> Default for Slots<K, S> {
    fn default() -> Self {
        Slots {
            numbers: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

const FILLED: &str = "a slot is used only until it is released";

impl<K: Key, S: Default> Slots<K, S> {
    /// The slot of `key`, which is new if there was none.
    pub(super) fn number(&mut self, key: K) -> u32 {
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

    pub(super) fn get(&self, number: u32) -> &(K, S) {
        self.slots[number as usize].as_ref().expect(FILLED)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut (K, S) {
        self.slots[number as usize].as_mut().expect(FILLED)
    }

    /// All keys with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, S)> {
        self.slots.iter().flatten()
    }

    /// Forgets a key.
    pub(super) fn release(&mut self, number: u32) {
        let (key, _) = self.slots[number as usize].take().expect(FILLED);
        let found = self.numbers.find_entry(self.hasher.hash_one(&key), |other| *other == number);
        found.expect("a slot's number is in the table").remove();
        self.free.push(number);
    }
}
