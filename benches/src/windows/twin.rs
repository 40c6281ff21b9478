//! The micro-batch twin: what a system does that has no state but its batches. Each batch is reduced once and kept;
//! each slide makes the window anew of all of them, or, with an inverse, of the window before.
//!
//! It is flattered: no lineage, no shuffle, no serialisation, maps that keep their capacity, and the window before
//! is changed in place.

use std::collections::VecDeque;

use super::{
    function::{Function, Inverse, add},
    plain::contents_hash,
};
use crate::{
    lockstep::Contestant,
    pairs::{BenchKey, Map},
};

/// Batches, each reduced by key.
struct Retained<K, F: Function> {
    window: usize,
    given: Vec<(K, i64)>,
    batches: VecDeque<Map<K, F::Of>>,
}

impl<K: BenchKey, F: Function> Retained<K, F> {
    fn new(window: u64) -> Self {
        Retained { window: window as usize, given: Vec::new(), batches: VecDeque::new() }
    }

    /// Reduces and keeps the new batch; returns the one that leaves.
    fn next(&mut self) -> Option<Map<K, F::Of>> {
        let mut batch = Map::default();
        std::mem::take(&mut self.given)
            .into_iter()
            .for_each(|(key, value)| add::<K, F>(&mut batch, key, F::of(value)));
        self.batches.push_back(batch);
        if self.batches.len() > self.window { self.batches.pop_front() } else { None }
    }
}

/// Merges all batches of the window at each slide.
pub struct Recompute<K, F: Function> {
    retained: Retained<K, F>,
    whole: Map<K, F::Of>,
    contents: Vec<(K, F::Of)>,
}

impl<K: BenchKey, F: Function> Recompute<K, F> {
    pub fn new(window: u64) -> Self {
        Recompute { retained: Retained::new(window), whole: Map::default(), contents: Vec::new() }
    }
}

impl<K: BenchKey, F: Function> Contestant<Vec<(K, i64)>> for Recompute<K, F> {
    fn give(&mut self, batch: Vec<(K, i64)>) {
        self.retained.given = batch;
    }

    fn slide(&mut self) {
        self.retained.next();
        if self.retained.batches.len() < self.retained.window {
            return; // the window fills; nobody looks, and to merge it would take as long as all that follows
        }
        for (key, of) in self.retained.batches.iter().flatten() {
            match self.whole.get_mut(key) {
                Some(whole) => *whole = F::merge(*whole, *of),
                None => {
                    self.whole.insert(key.clone(), *of);
                }
            }
        }
        self.contents.extend(self.whole.drain());
    }

    fn hash(&mut self) -> u64 {
        contents_hash::<K, F>(std::mem::take(&mut self.contents))
    }
}

/// Takes what leaves from the window before, and adds what enters.
pub struct Inverted<K, F: Inverse> {
    retained: Retained<K, F>,
    whole: Map<K, F::Of>,
    contents: Vec<(K, F::Of)>,
}

impl<K: BenchKey, F: Inverse> Inverted<K, F> {
    pub fn new(window: u64) -> Self {
        Inverted { retained: Retained::new(window), whole: Map::default(), contents: Vec::new() }
    }
}

impl<K: BenchKey, F: Inverse> Contestant<Vec<(K, i64)>> for Inverted<K, F> {
    fn give(&mut self, batch: Vec<(K, i64)>) {
        self.retained.given = batch;
    }

    fn slide(&mut self) {
        for (key, of) in self.retained.next().into_iter().flatten() {
            let whole = self.whole.get_mut(&key).expect("what entered is there until it leaves");
            *whole = F::undo(*whole, of);
        }
        for (key, of) in self.retained.batches.back().expect("a batch was added") {
            match self.whole.get_mut(key) {
                Some(whole) => *whole = F::merge(*whole, *of),
                None => {
                    self.whole.insert(key.clone(), *of);
                }
            }
        }
        self.contents.reserve(self.whole.len());
        self.contents.extend(self.whole.iter().map(|(key, of)| (key.clone(), *of)));
    }

    fn hash(&mut self) -> u64 {
        contents_hash::<K, F>(std::mem::take(&mut self.contents))
    }
}
