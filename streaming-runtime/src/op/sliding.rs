//! What a sliding window holds of each key, brought up to date by what enters and what leaves.
//!
//! A pane is the combiners of one stretch of time. It enters the window whole and leaves it whole, oldest
//! first, so a key's combiners are a queue, and two ways are known to keep what the queue makes together:
//!
//! - [`TwoStacks`]: for any associative function, a constant number of merges a combiner, whatever the
//!   window's length. (Okasaki's queue, as in "Sliding-window aggregation algorithms", Tangwongsan, Hirzel
//!   and Schneider.)
//! - [`Running`]: where a merge can be undone, one value a key.
//!
//! Keys live in slots; a pane holds slot numbers, so that to leave costs no look-up and no copy of a key.

use std::{collections::VecDeque, hash::BuildHasher};

use hashbrown::hash_table::{Entry, HashTable};

use crate::{
    record::{Key, Record},
    time::BatchTime,
};

/// How combiners are merged, the older first, and how a merge is undone where it can be.
pub(super) trait Merge<A>: 'static {
    fn merge(&self, older: A, newer: A) -> A;
    fn unmerge(&self, whole: A, leaving: A) -> A;
}

/// What is kept of one key.
pub(super) trait PerKey<A>: Default + 'static {
    /// What a pane keeps of a key until it leaves.
    type Leaving: 'static;
    fn enter(&mut self, combiner: A, merge: &impl Merge<A>) -> Self::Leaving;
    fn leave(&mut self, leaving: Self::Leaving, merge: &impl Merge<A>);
    /// Whether no pane has the key any more.
    fn is_gone(&self) -> bool;
    /// The window's combiner; `None` when no pane has the key.
    fn value(&self, merge: &impl Merge<A>) -> Option<A>;
}

/// A queue with the merge of what is in it, in constant amortised time.
pub(super) struct TwoStacks<A> {
    /// Suffix merges of the older part: the last is the merge of all of it.
    older: Vec<A>,
    newer: Vec<A>,
    newer_merged: Option<A>,
}

impl<A> Default for TwoStacks<A> {
    fn default() -> Self {
        TwoStacks { older: Vec::new(), newer: Vec::new(), newer_merged: None }
    }
}

impl<A: Record> PerKey<A> for TwoStacks<A> {
    type Leaving = ();

    fn enter(&mut self, combiner: A, merge: &impl Merge<A>) {
        self.newer_merged = Some(match self.newer_merged.take() {
            Some(merged) => merge.merge(merged, combiner.clone()),
            None => combiner.clone(),
        });
        self.newer.push(combiner);
    }

    fn leave(&mut self, (): (), merge: &impl Merge<A>) {
        if self.older.is_empty() {
            self.newer_merged = None;
            while let Some(combiner) = self.newer.pop() {
                let suffix = match self.older.last() {
                    Some(later) => merge.merge(combiner, later.clone()),
                    None => combiner,
                };
                self.older.push(suffix);
            }
        }
        self.older.pop();
    }

    fn is_gone(&self) -> bool {
        self.older.is_empty() && self.newer.is_empty()
    }

    fn value(&self, merge: &impl Merge<A>) -> Option<A> {
        match (self.older.last().cloned(), self.newer_merged.clone()) {
            (Some(older), Some(newer)) => Some(merge.merge(older, newer)),
            (older, newer) => older.or(newer),
        }
    }
}

/// One value a key, for merges that can be undone.
pub(super) struct Running<A> {
    whole: Option<A>,
    panes: u32,
}

impl<A> Default for Running<A> {
    fn default() -> Self {
        Running { whole: None, panes: 0 }
    }
}

impl<A: Record> PerKey<A> for Running<A> {
    type Leaving = A;

    fn enter(&mut self, combiner: A, merge: &impl Merge<A>) -> A {
        self.panes += 1;
        self.whole = Some(match self.whole.take() {
            Some(whole) => merge.merge(whole, combiner.clone()),
            None => combiner.clone(),
        });
        combiner
    }

    fn leave(&mut self, leaving: A, merge: &impl Merge<A>) {
        self.panes -= 1;
        self.whole = match (self.panes, self.whole.take()) {
            (0, _) | (_, None) => None,
            (_, Some(whole)) => Some(merge.unmerge(whole, leaving)),
        };
    }

    fn is_gone(&self) -> bool {
        self.panes == 0
    }

    fn value(&self, _: &impl Merge<A>) -> Option<A> {
        self.whole.clone()
    }
}

struct Slot<K, W> {
    key: Option<K>,
    window: W,
}

/// The panes of a window and what they make of each key.
pub(super) struct Sliding<K, A, W: PerKey<A>> {
    numbers: HashTable<u32>,
    slots: Vec<Slot<K, W>>,
    free: Vec<u32>,
    panes: VecDeque<Pane<W::Leaving>>,
    hasher: foldhash::fast::RandomState,
}

struct Pane<L> {
    time: BatchTime,
    keys: Vec<(u32, L)>,
}

impl<K, A, W: PerKey<A>> Default for Sliding<K, A, W> {
    fn default() -> Self {
        Sliding {
            numbers: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            panes: VecDeque::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl<K: Key, A: Record, W: PerKey<A>> Sliding<K, A, W> {
    /// Lets the pane that ends at `time` enter.
    pub(super) fn enter(
        &mut self,
        time: BatchTime,
        combiners: impl Iterator<Item = (K, A)>,
        merge: &impl Merge<A>,
    ) {
        let keys = combiners.map(|(key, combiner)| {
            let number = self.number(key);
            (number, self.slots[number as usize].window.enter(combiner, merge))
        });
        let keys: Vec<_> = keys.collect();
        if !keys.is_empty() {
            self.panes.push_back(Pane { time, keys });
        }
    }

    /// Lets the panes that ended at `time` or before leave.
    pub(super) fn leave(&mut self, time: BatchTime, merge: &impl Merge<A>) {
        while let Some(pane) = self.panes.pop_front_if(|pane| pane.time <= time) {
            for (number, leaving) in pane.keys {
                let slot = &mut self.slots[number as usize];
                slot.window.leave(leaving, merge);
                if slot.window.is_gone() {
                    self.release(number);
                }
            }
        }
    }

    /// Every key of the window with its combiner.
    pub(super) fn contents(&self, merge: &impl Merge<A>, out: &mut Vec<(K, A)>) {
        out.reserve(self.numbers.len());
        out.extend(self.slots.iter().filter_map(|slot| {
            let key = slot.key.as_ref()?;
            Some((key.clone(), slot.window.value(merge).expect("a key leaves with its last pane")))
        }));
    }

    fn number(&mut self, key: K) -> u32 {
        let Sliding { numbers, slots, free, hasher, .. } = self;
        let hash = |key: &K| hasher.hash_one(key);
        let same = |number: &u32| slots[*number as usize].key.as_ref() == Some(&key);
        let rehash =
            |number: &u32| hash(slots[*number as usize].key.as_ref().expect("a numbered slot has its key"));
        match numbers.entry(hash(&key), same, rehash) {
            Entry::Occupied(number) => *number.get(),
            Entry::Vacant(place) => {
                let number = free.pop().unwrap_or(slots.len() as u32);
                place.insert(number);
                match slots.get_mut(number as usize) {
                    Some(slot) => slot.key = Some(key),
                    None => slots.push(Slot { key: Some(key), window: W::default() }),
                }
                number
            }
        }
    }

    fn release(&mut self, number: u32) {
        let slot = &mut self.slots[number as usize];
        let key = slot.key.take().expect("a key is released once");
        slot.window = W::default();
        let hash = self.hasher.hash_one(&key);
        let found = self.numbers.find_entry(hash, |other| *other == number);
        found.expect("a slot's number is in the table").remove();
        self.free.push(number);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    struct Concatenate;
    impl Merge<String> for Concatenate {
        fn merge(&self, older: String, newer: String) -> String {
            older + &newer
        }
        fn unmerge(&self, whole: String, leaving: String) -> String {
            whole.strip_prefix(&leaving).expect("the oldest leaves first").to_owned()
        }
    }

    fn run<W: PerKey<String>>(panes: &[Vec<(u8, String)>], length: usize) {
        let mut sliding = Sliding::<u8, String, W>::default();
        for (now, pane) in panes.iter().enumerate() {
            let at = |n: usize| BatchTime::from_millis(n as u64);
            let pane: BTreeMap<u8, String> = pane.iter().cloned().collect();
            sliding.enter(at(now + length), pane.into_iter(), &Concatenate);
            sliding.leave(at(now), &Concatenate);
            let mut expected = BTreeMap::<u8, String>::new();
            for pane in &panes[(now + 1).saturating_sub(length)..=now] {
                let pane: BTreeMap<u8, String> = pane.iter().cloned().collect();
                pane.into_iter().for_each(|(key, text)| *expected.entry(key).or_default() += &text);
            }
            let mut contents = Vec::new();
            sliding.contents(&Concatenate, &mut contents);
            contents.sort();
            assert_eq!(contents, expected.into_iter().collect::<Vec<_>>());
            assert!(sliding.slots.len() <= 8, "slots are used again");
        }
    }

    proptest! {
        #[test]
        fn both_ways_equal_recomputation(
            panes in vec(vec((0..8u8, "[a-c]{1,2}"), 0..6), 1..30),
            length in 1..8usize,
        ) {
            run::<TwoStacks<String>>(&panes, length);
            run::<Running<String>>(&panes, length);
        }
    }
}
