//! The honest limit: one loop, a map of what is kept of each key, a ring of panes.

use std::collections::VecDeque;

use contenders::{
    function::{Function, Inverse, add},
    lockstep::Contestant,
    pairs::{BenchKey, Map},
    rows::kept_hash,
};

/// What is kept of one key.
pub trait Upkeep<F: Function>: Default + 'static {
    /// What a pane remembers of the key.
    type Leaving: 'static;
    fn enter(&mut self, of: F::Of) -> Self::Leaving;
    fn leave(&mut self, leaving: Self::Leaving);
    fn is_gone(&self) -> bool;
    fn value(&self) -> Option<F::Of>;
}

/// One value, and the panes that it is made of counted. `LASTS`: a key is never forgotten, as with Spark's inverse
/// function and no filter.
pub struct Total<F: Inverse, const LASTS: bool> {
    whole: F::Of,
    panes: u32,
}

impl<F: Inverse, const LASTS: bool> Default for Total<F, LASTS> {
    fn default() -> Self {
        Total { whole: F::Of::default(), panes: 0 }
    }
}

impl<F: Inverse, const LASTS: bool> Upkeep<F> for Total<F, LASTS> {
    type Leaving = F::Of;
    fn enter(&mut self, of: F::Of) -> F::Of {
        self.whole = F::merge(self.whole, of);
        self.panes += 1;
        of
    }
    fn leave(&mut self, leaving: F::Of) {
        self.whole = F::undo(self.whole, leaving);
        self.panes -= 1;
    }
    fn is_gone(&self) -> bool {
        !LASTS && self.panes == 0
    }
    fn value(&self) -> Option<F::Of> {
        (LASTS || self.panes > 0).then_some(self.whole)
    }
}

/// Two stacks.
pub struct Stacks<F: Function> {
    /// Merges of all suffixes of the older part, the longest last.
    older: Vec<F::Of>,
    newer: Vec<F::Of>,
    merged: Option<F::Of>,
}

impl<F: Function> Default for Stacks<F> {
    fn default() -> Self {
        Stacks { older: Vec::new(), newer: Vec::new(), merged: None }
    }
}

impl<F: Function> Upkeep<F> for Stacks<F> {
    type Leaving = ();
    fn enter(&mut self, of: F::Of) {
        self.newer.push(of);
        self.merged = Some(self.merged.map_or(of, |merged| F::merge(merged, of)));
    }
    fn leave(&mut self, (): ()) {
        if self.older.is_empty() {
            for of in self.newer.drain(..).rev() {
                let suffix = self.older.last().map_or(of, |later| F::merge(of, *later));
                self.older.push(suffix);
            }
            self.merged = None;
        }
        self.older.pop();
    }
    fn is_gone(&self) -> bool {
        self.older.is_empty() && self.merged.is_none()
    }
    fn value(&self) -> Option<F::Of> {
        match (self.older.last(), self.merged) {
            (Some(older), Some(newer)) => Some(F::merge(*older, newer)),
            (older, newer) => older.copied().or(newer),
        }
    }
}

struct Slot<F: Function, U> {
    upkeep: U,
    /// The batch in which it changed last, and what it was before.
    changed: u64,
    old: Option<F::Of>,
}

impl<F: Function, U: Upkeep<F>> Default for Slot<F, U> {
    fn default() -> Self {
        Slot { upkeep: U::default(), changed: 0, old: None }
    }
}

/// A key, what it was and what it is.
pub type Change<K, A> = (K, Option<A>, Option<A>);

/// Delivers contents, or with `CHANGES` the touched keys with their old and new values.
pub struct Plain<K, F: Function, U: Upkeep<F>, const CHANGES: bool> {
    window: usize,
    given: Vec<(K, i64)>,
    batch: Map<K, F::Of>,
    slots: Map<K, Slot<F, U>>,
    panes: VecDeque<Vec<(K, U::Leaving)>>,
    number: u64,
    touched: Vec<K>,
    contents: Vec<(K, F::Of)>,
    changes: Vec<Change<K, F::Of>>,
    kept: u64,
}

impl<K: BenchKey, F: Function, U: Upkeep<F>, const CHANGES: bool> Plain<K, F, U, CHANGES> {
    pub fn new(window: u64) -> Self {
        Plain {
            window: window as usize,
            given: Vec::new(),
            batch: Map::default(),
            slots: Map::default(),
            panes: VecDeque::new(),
            number: 0,
            touched: Vec::new(),
            contents: Vec::new(),
            changes: Vec::new(),
            kept: 0,
        }
    }

    fn touch(slot: &mut Slot<F, U>, number: u64, key: &K, touched: &mut Vec<K>) {
        if CHANGES && slot.changed != number {
            slot.changed = number;
            slot.old = slot.upkeep.value();
            touched.push(key.clone());
        }
    }

    /// Takes records of the next batch in.
    pub fn add(&mut self, records: impl Iterator<Item = (K, i64)>) {
        records.for_each(|(key, value)| add::<K, F>(&mut self.batch, key, F::of(value)));
    }

    /// Ends the batch: what there is in contents or changes after it.
    pub fn close(&mut self) {
        self.number += 1;
        self.enter();
        self.leave();
        if CHANGES {
            for key in self.touched.drain(..) {
                let slot = &self.slots[&key];
                let (old, new) = (slot.old, slot.upkeep.value());
                if slot.upkeep.is_gone() {
                    self.slots.remove(&key);
                }
                self.changes.push((key, old, new));
            }
        } else {
            self.contents.reserve(self.slots.len());
            let shown = self.slots.iter().filter_map(|(key, slot)| Some((key.clone(), slot.upkeep.value()?)));
            self.contents.extend(shown);
        }
    }

    pub fn take_contents(&mut self) -> Vec<(K, F::Of)> {
        std::mem::take(&mut self.contents)
    }

    pub fn take_changes(&mut self) -> Vec<Change<K, F::Of>> {
        std::mem::take(&mut self.changes)
    }

    fn enter(&mut self) {
        let Plain { batch, slots, number, touched, .. } = self;
        let mut pane = Vec::with_capacity(batch.len());
        for (key, of) in batch.drain() {
            let slot = match slots.get_mut(&key) {
                Some(slot) => slot,
                None => slots.entry(key.clone()).or_default(),
            };
            Self::touch(slot, *number, &key, touched);
            let leaving = slot.upkeep.enter(of);
            pane.push((key, leaving));
        }
        self.panes.push_back(pane);
    }

    fn leave(&mut self) {
        if self.panes.len() <= self.window {
            return;
        }
        for (key, leaving) in self.panes.pop_front().expect("it has more than none") {
            let slot = self.slots.get_mut(&key).expect("what entered is there until it leaves");
            Self::touch(slot, self.number, &key, &mut self.touched);
            slot.upkeep.leave(leaving);
            if !CHANGES && slot.upkeep.is_gone() {
                self.slots.remove(&key);
            }
        }
    }
}

impl<K: BenchKey, F: Function, U: Upkeep<F>, const CHANGES: bool> Contestant<Vec<(K, i64)>>
    for Plain<K, F, U, CHANGES>
{
    fn give(&mut self, batch: Vec<(K, i64)>) {
        self.given = batch;
    }

    fn slide(&mut self) {
        let given = std::mem::take(&mut self.given);
        self.add(given.into_iter());
        self.close();
    }

    fn hash(&mut self) -> u64 {
        self.kept = match CHANGES {
            true => changes_hash::<K, F>(self.kept, self.take_changes()),
            false => contents_hash::<K, F>(self.take_contents()),
        };
        self.kept
    }
}

/// The hash of a window's contents after `changes`, of what it was before.
pub fn changes_hash<K: BenchKey, F: Function>(kept: u64, changes: Vec<Change<K, F::Of>>) -> u64 {
    changes.into_iter().fold(kept, |kept, (key, old, new)| {
        let hash = |of: Option<F::Of>| of.map_or(0, |of| kept_hash::<K, F>(&key, of));
        kept.wrapping_add(hash(new)).wrapping_sub(hash(old))
    })
}

/// The hash of a window's contents, in any order.
pub fn contents_hash<K: BenchKey, F: Function>(contents: Vec<(K, F::Of)>) -> u64 {
    contents.iter().map(|(key, of)| kept_hash::<K, F>(key, *of)).fold(0, u64::wrapping_add)
}
