//! The symmetric hash join by hand.

use super::*;

/// One side of a symmetric join.
pub(super) struct Half<K> {
    pub(super) records: Map<K, VecDeque<u64>>,
    pub(super) panes: VecDeque<Side<K>>,
}

impl<K> Default for Half<K> {
    fn default() -> Self {
        Half { records: Map::default(), panes: VecDeque::new() }
    }
}

/// The honest limit: each new and each leaving record meets the other side's map.
pub(super) struct Plain<K> {
    pub(super) window: usize,
    /// What went is not said.
    pub(super) only_new: bool,
    pub(super) given: Batch<K>,
    pub(super) left: Half<K>,
    pub(super) right: Half<K>,
    pub(super) changes: Vec<Changed<K>>,
    pub(super) kept: u64,
}

impl<K: Clone + Hash + Eq> Plain<K> {
    pub(super) fn new(window: u64) -> Self {
        Plain {
            window: window as usize,
            only_new: false,
            given: (Vec::new(), Vec::new()),
            left: Half::default(),
            right: Half::default(),
            changes: Vec::new(),
            kept: 0,
        }
    }

    pub(super) fn of_new(window: u64) -> Self {
        Plain { only_new: true, ..Plain::new(window) }
    }
}

/// What changes when records of one side come or go: a pair with each of the other side's.
pub(super) fn meet<K: Clone + Hash + Eq>(
    other: &Half<K>,
    (key, record): (&K, u64),
    times: i64,
    changes: &mut Vec<Changed<K>>,
    pair: impl Fn(u64, u64) -> (u64, u64),
) {
    for met in other.records.get(key).into_iter().flatten() {
        changes.push(((key.clone(), pair(record, *met)), times));
    }
}

impl<K: Clone + Hash + Eq> Half<K> {
    /// The batch that is no longer in the window, if it is full.
    pub(super) fn leave(&mut self, window: usize, mut says: impl FnMut(&K, u64)) {
        let left = if self.panes.len() == window { self.panes.pop_front() } else { None };
        for (key, record) in left.into_iter().flatten() {
            let records = self.records.get_mut(&key).expect("what entered is there until it leaves");
            records.pop_front();
            if records.is_empty() {
                self.records.remove(&key);
            }
            says(&key, record);
        }
    }

    pub(super) fn enter(&mut self, new: Side<K>, mut says: impl FnMut(&K, u64)) {
        for (key, record) in &new {
            match self.records.get_mut(key) {
                Some(records) => records.push_back(*record),
                None => {
                    self.records.insert(key.clone(), VecDeque::from([*record]));
                }
            }
            says(key, *record);
        }
        self.panes.push_back(new);
    }
}

impl<K: Clone + Hash + Eq> Contestant<Batch<K>> for Plain<K> {
    fn give(&mut self, batch: Batch<K>) {
        self.given = batch;
    }

    fn slide(&mut self) {
        let (left, right) = std::mem::take(&mut self.given);
        let Plain { window, only_new, left: lefts, right: rights, changes, .. } = self;
        let (as_left, as_right) = (|this: u64, met: u64| (this, met), |this: u64, met: u64| (met, this));
        // Both leave before any enters: what is new would else meet what goes, in pairs that never were in the window.
        let mut gone = |other: &Half<K>, key: &K, record, pair: fn(u64, u64) -> (u64, u64)| {
            if !*only_new {
                meet(other, (key, record), -1, changes, pair);
            }
        };
        lefts.leave(*window, |key, record| gone(rights, key, record, as_left));
        rights.leave(*window, |key, record| gone(lefts, key, record, as_right));
        lefts.enter(left, |key, record| meet(rights, (key, record), 1, changes, as_left));
        rights.enter(right, |key, record| meet(lefts, (key, record), 1, changes, as_right));
    }

    fn hash(&mut self) -> u64 {
        let kept = if self.only_new { 0 } else { self.kept };
        self.kept = changes_hash(kept, std::mem::take(&mut self.changes));
        self.kept
    }
}
