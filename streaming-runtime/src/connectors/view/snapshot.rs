//! What a view holds at one batch.

use std::{
    borrow::Borrow,
    collections::{HashMap, hash_map},
    fmt,
    hash::Hash,
    ops::RangeBounds,
};

use foldhash::fast::RandomState;

use crate::{
    connectors::view::bound::{KeyBound, is_within},
    time::BatchTime,
};

/// Each key that changed, once, with its value from now on; `None` if it is gone.
pub(super) type Changed<K, V> = [(K, Option<V>)];

/// The contents of a [`View`](super::View) at one batch.
#[derive(Clone)]
pub struct Snapshot<K, V> {
    pub(super) time: Option<BatchTime>,
    pub(super) values: HashMap<K, V, RandomState>,
}

impl<K, V> Default for Snapshot<K, V> {
    fn default() -> Self {
        Snapshot { time: None, values: HashMap::default() }
    }
}

impl<K, V> Snapshot<K, V> {
    /// The batch that this is as of; `None` before the first.
    pub fn time(&self) -> Option<BatchTime> {
        self.time
    }
    /// The number of keys.
    pub fn len(&self) -> usize {
        self.values.len()
    }
    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
    /// All keys with their values, in no order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.values.iter()
    }
}

impl<K: Eq + Hash, V> Snapshot<K, V> {
    /// The value of a key.
    pub fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key)
    }

    /// The keys within `bounds` with their values, in order: `"a".."d"` for keys of type `String`. It looks at every key.
    pub fn range<Q, R>(&self, bounds: R) -> Vec<(&K, &V)>
    where
        Q: ?Sized + KeyBound<K>,
        K: Ord,
        R: RangeBounds<Q>,
    {
        let mut within: Vec<_> = self.iter().filter(|(key, _)| is_within(&bounds, *key)).collect();
        within.sort_unstable_by(|(a, _), (b, _)| (*a).cmp(b));
        within
    }

    /// Applies the changes of a batch, from [`Changes`](super::Changes).
    pub fn apply(&mut self, time: BatchTime, changed: &[(K, Option<V>)])
    where
        K: Clone,
        V: Clone,
    {
        self.time = Some(time);
        for (key, value) in changed {
            match (value, self.values.get_mut(key)) {
                (Some(value), Some(place)) => place.clone_from(value),
                (Some(value), None) => {
                    self.values.insert(key.clone(), value.clone());
                }
                (None, _) => {
                    self.values.remove(key);
                }
            }
        }
    }

    /// What changed from `before` to this.
    pub(super) fn changes_since(&self, before: &Self) -> Vec<(K, Option<V>)>
    where
        K: Clone,
        V: Clone + PartialEq,
    {
        let new = self.iter().filter(|(key, value)| before.get(*key) != Some(*value));
        let gone = before.iter().filter(|(key, _)| self.get(*key).is_none());
        new.map(|(key, value)| (key.clone(), Some(value.clone())))
            .chain(gone.map(|(key, _)| (key.clone(), None)))
            .collect()
    }
}

impl<K, V> IntoIterator for Snapshot<K, V> {
    type Item = (K, V);
    type IntoIter = hash_map::IntoIter<K, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for Snapshot<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.time == other.time && self.values == other.values
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Snapshot<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("time", &self.time).field("values", &self.values).finish()
    }
}
