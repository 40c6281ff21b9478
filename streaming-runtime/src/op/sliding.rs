//! The keys of a sliding window.
//!
//! Keys live in slots, and a pane holds the numbers of its slots: to leave costs no look-up and no copy of a key, so
//! a batch costs what enters and what leaves, whatever the window's length.

use std::{collections::VecDeque, hash::BuildHasher, time::Duration};

use hashbrown::hash_table::{Entry, HashTable};

use super::{
    aggregate::{Aggregate, LeavingOf, UpkeepOf},
    keep::Said,
    upkeep::Upkeep,
};
use crate::{past::Idle, record::Key, time::BatchTime};

/// How a stream is cut into windows.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// `None`: nothing ever leaves.
    pub(super) size: Option<Duration>,
    slide: Duration,
    /// Windows begin and end at multiples of this.
    pane: Duration,
}

impl Cut {
    /// Panes as long as windows of `size` at each multiple of `slide` allow.
    pub(super) fn new(size: Option<Duration>, slide: Duration) -> Self {
        let gcd = |mut a: u128, mut b: u128| {
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let nanos = gcd(size.map_or(0, |size| size.as_nanos()), slide.as_nanos());
        Cut { size, slide, pane: Duration::from_nanos(nanos as u64) }
    }

    /// The end of the pane of a batch.
    pub(super) fn pane_of(self, time: BatchTime) -> BatchTime {
        time.at_or_next_multiple_of(self.pane)
    }

    /// Whether the pane that ended at `end` is in no window from `time` on.
    pub(super) fn has_left(self, end: BatchTime, time: BatchTime) -> bool {
        self.size.is_some_and(|size| end + size <= time)
    }

    /// Whether the pane that ends at `end` is in no window at all: it lies between two.
    pub(super) fn is_between(self, end: BatchTime) -> bool {
        self.has_left(end, end.at_or_next_multiple_of(self.slide))
    }
}

type Filter<U> = Box<dyn Fn(&U) -> bool>;

/// What outlives its panes, and how long.
pub(super) struct Lasts<U> {
    /// Whether a key is shown; one that is not, and is in no pane, is forgotten.
    pub(super) shown: Option<Filter<U>>,
    /// How long a key without new values is remembered.
    pub(super) idle: Idle,
}

struct Slot<K, A, W> {
    key: Option<K>,
    /// What the open pane has of it.
    open: Option<A>,
    window: W,
    /// The slide in which it changed last.
    changed: u64,
    /// The batch in which it had values last; kept where that matters.
    fed: BatchTime,
}

/// The panes of a window and what they make of each key.
pub(super) struct Sliding<K, V, G: Aggregate<V>> {
    cut: Cut,
    lasts: Option<Lasts<(K, G::Result)>>,
    numbers: HashTable<u32>,
    slots: Vec<Slot<K, G::Accumulator, UpkeepOf<V, G>>>,
    free: Vec<u32>,
    panes: VecDeque<Pane<LeavingOf<V, G>>>,
    /// The pane that batches are gathered in, and the slots in it.
    open: Option<BatchTime>,
    filled: Vec<u32>,
    slide: u64,
    /// Slots that changed since the last slide, with what they were.
    changed: Vec<(u32, Option<G::Result>)>,
    hasher: foldhash::fast::RandomState,
}

struct Pane<L> {
    end: BatchTime,
    keys: Vec<(u32, L)>,
}

impl<K: Key, V, G: Aggregate<V>> Sliding<K, V, G> {
    pub(super) fn new(cut: Cut, lasts: Option<Lasts<(K, G::Result)>>) -> Self {
        Sliding {
            cut,
            lasts,
            numbers: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            panes: VecDeque::new(),
            open: None,
            filled: Vec::new(),
            slide: 1,
            changed: Vec::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// Takes in the batch of `time`; `tracked` if changes are wanted.
    pub(super) fn batch(
        &mut self,
        time: BatchTime,
        accumulators: impl Iterator<Item = (K, G::Accumulator)>,
        how: &G,
        tracked: bool,
    ) {
        let end = self.cut.pane_of(time);
        if self.cut.is_between(end) {
            return;
        }
        if self.open != Some(end) {
            self.seal(how, tracked);
            self.open = Some(end);
        }
        for (key, accumulator) in accumulators {
            let number = self.number(key);
            let slot = &mut self.slots[number as usize];
            slot.fed = time;
            slot.open = Some(match slot.open.take() {
                Some(open) => how.merge(open, accumulator),
                None => {
                    self.filled.push(number);
                    accumulator
                }
            });
        }
    }

    /// Brings the window to where it is at `time`, a slide, and says what it holds.
    pub(super) fn slide(&mut self, time: BatchTime, how: &G, said: &mut Said<(K, G::Result)>) {
        let tracked = said.wants.changes();
        self.leave(time, how, tracked);
        self.seal(how, tracked);
        self.say_changes(tracked, how, said);
        if let Some(lasts) = self.lasts.take() {
            self.forget(time, &lasts, how, said);
            self.lasts = Some(lasts);
        }
        if said.wants.contents() {
            said.contents.reserve(self.numbers.len());
            for slot in &self.slots {
                let Some(key) = &slot.key else { continue };
                said.contents.extend(slot.window.value(how).and_then(|value| self.shown(key.clone(), value)));
            }
        }
        self.slide += 1;
    }

    fn say_changes(&mut self, tracked: bool, how: &G, said: &mut Said<(K, G::Result)>) {
        let mut changed = std::mem::take(&mut self.changed);
        for (number, old) in changed.drain(..) {
            let slot = &self.slots[number as usize];
            if tracked {
                let key = slot.key.as_ref().expect("a slot is released after its change was said");
                for (value, times) in [(old, -1), (slot.window.value(how), 1)] {
                    if let Some(pair) = value.and_then(|value| self.shown(key.clone(), value)) {
                        said.change(|| pair, times);
                    }
                }
            }
            if slot.window.is_gone() && self.lasts.is_none() {
                self.release(number);
            }
        }
        self.changed = changed;
    }

    /// The pair, unless its operator hides it.
    fn shown(&self, key: K, value: G::Result) -> Option<(K, G::Result)> {
        let pair = (key, value);
        let shown = self.lasts.as_ref().and_then(|lasts| lasts.shown.as_ref());
        shown.is_none_or(|shown| shown(&pair)).then_some(pair)
    }

    /// Forgets the keys that outlived their panes and are hidden, or were idle too long.
    fn forget(
        &mut self,
        time: BatchTime,
        lasts: &Lasts<(K, G::Result)>,
        how: &G,
        said: &mut Said<(K, G::Result)>,
    ) {
        if lasts.shown.is_none() && lasts.idle.get().is_none() {
            return; // kept for ever
        }
        for number in 0..self.slots.len() {
            let slot = &self.slots[number];
            let Some(key) = slot.key.as_ref().filter(|_| slot.window.is_gone()) else { continue };
            let Some(value) = slot.window.value(how) else { continue };
            let pair = (key.clone(), value);
            let hidden = lasts.shown.as_ref().is_some_and(|shown| !shown(&pair));
            let idle = lasts.idle.get().is_some_and(|idle| slot.fed + idle <= time);
            if idle && !hidden {
                said.change(|| pair, -1);
            }
            if idle || hidden {
                self.release(number as u32);
            }
        }
    }

    /// Lets the open pane enter.
    fn seal(&mut self, how: &G, tracked: bool) {
        let Some(end) = self.open.take() else { return };
        let mut filled = std::mem::take(&mut self.filled);
        let endless = self.cut.size.is_none();
        let mut keys = Vec::with_capacity(if endless { 0 } else { filled.len() });
        for number in filled.drain(..) {
            self.touch(number, how, tracked);
            let slot = &mut self.slots[number as usize];
            let accumulator = slot.open.take().expect("a filled slot has something in the open pane");
            match endless {
                true => slot.window.grow(accumulator, how),
                false => keys.push((number, slot.window.enter(accumulator, how))),
            }
        }
        self.filled = filled;
        if !keys.is_empty() {
            self.panes.push_back(Pane { end, keys });
        }
    }

    /// Lets the panes leave that are in no window from `time` on.
    fn leave(&mut self, time: BatchTime, how: &G, tracked: bool) {
        let cut = self.cut;
        while let Some(pane) = self.panes.pop_front_if(|pane| cut.has_left(pane.end, time)) {
            for (number, leaving) in pane.keys {
                self.touch(number, how, tracked);
                self.slots[number as usize].window.leave(leaving, how);
            }
        }
    }

    /// Notes that a slot is about to change.
    fn touch(&mut self, number: u32, how: &G, tracked: bool) {
        let slot = &mut self.slots[number as usize];
        if slot.changed != self.slide {
            slot.changed = self.slide;
            self.changed.push((number, if tracked { slot.window.value(how) } else { None }));
        }
    }

    fn number(&mut self, key: K) -> u32 {
        let Sliding { numbers, slots, free, hasher, .. } = self;
        let same = |number: &u32| slots[*number as usize].key.as_ref() == Some(&key);
        let rehash =
            |number: &u32| hasher.hash_one(slots[*number as usize].key.as_ref().expect("it has its key"));
        match numbers.entry(hasher.hash_one(&key), same, rehash) {
            Entry::Occupied(number) => *number.get(),
            Entry::Vacant(place) => {
                let number = free.pop().unwrap_or(slots.len() as u32);
                place.insert(number);
                let slot = Slot {
                    key: Some(key),
                    open: None,
                    window: UpkeepOf::<V, G>::default(),
                    changed: 0,
                    fed: BatchTime::default(),
                };
                match slots.get_mut(number as usize) {
                    Some(free) => *free = slot,
                    None => slots.push(slot),
                }
                number
            }
        }
    }

    fn release(&mut self, number: u32) {
        let slot = &mut self.slots[number as usize];
        let key = slot.key.take().expect("a key is released once");
        slot.window = UpkeepOf::<V, G>::default();
        let found = self.numbers.find_entry(self.hasher.hash_one(&key), |other| *other == number);
        found.expect("a slot's number is in the table").remove();
        self.free.push(number);
    }
}
