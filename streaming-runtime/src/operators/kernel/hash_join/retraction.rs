//! Values of a table that are taken back.

use std::collections::{HashMap, VecDeque};

use crate::{
    ids::OpId,
    operators::kernel::hashing::hash,
    panic_origin::{Why, fail},
    record::Key,
    time::BatchTime,
};

/// How the values that a change takes back are found among those of a key.
pub(crate) struct Retraction<V> {
    same: fn(&V, &V) -> bool,
    hash: fn(&V) -> u64,
}

impl<V> Clone for Retraction<V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for Retraction<V> {}

impl<V: Key> Retraction<V> {
    pub(crate) fn new() -> Self {
        Retraction { same: V::eq, hash: hash::<V> }
    }
}

impl<V> Retraction<V> {
    /// Up to this many values are searched for one by one; for more, a table of hashes is built.
    const FEW: i64 = 4;

    /// Removes what is `gone` from `values`, of equal ones the oldest. What was not found is left in `gone`.
    pub(super) fn take(&self, values: &mut VecDeque<V>, gone: &mut [JoinChange<V>]) -> Vec<V> {
        let mut taken = Vec::new();
        if gone.iter().map(|gone| gone.times).fold(0, i64::saturating_add) >= -Self::FEW {
            for gone in gone {
                while gone.times < 0
                    && let Some(place) = values.iter().position(|value| (self.same)(value, &gone.value))
                {
                    taken.extend(values.remove(place));
                    gone.times += 1;
                }
            }
            return taken;
        }
        let mut places = HashMap::<u64, Vec<usize>, foldhash::fast::RandomState>::default();
        for (place, gone) in gone.iter().enumerate() {
            places.entry((self.hash)(&gone.value)).or_default().push(place);
        }
        for value in std::mem::take(values) {
            let mut alike = places.get(&(self.hash)(&value)).into_iter().flatten();
            let is_gone =
                |place: &&usize| gone[**place].times < 0 && (self.same)(&gone[**place].value, &value);
            match alike.find(is_gone) {
                Some(place) => {
                    gone[*place].times += 1;
                    taken.push(value);
                }
                None => values.push_back(value),
            }
        }
        taken
    }

    /// Splits changes into what goes, by slot, and what comes.
    pub(super) fn part(changes: Vec<JoinChange<V>>) -> (Vec<JoinChange<V>>, Vec<JoinChange<V>>) {
        let (mut gone, come): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.times < 0);
        gone.sort_by_key(|change| change.slot);
        (gone, come)
    }

    /// A value that goes and was not found came in the same batch: the two cancel out.
    pub(super) fn cancel(&self, gone: &[JoinChange<V>], come: &mut [JoinChange<V>], id: OpId) {
        for gone in gone.iter().filter(|gone| gone.times < 0) {
            let mut left = -gone.times;
            for come in &mut *come {
                if left > 0 && come.slot == gone.slot && (self.same)(&come.value, &gone.value) {
                    let times = left.min(come.times);
                    come.times -= times;
                    left -= times;
                }
            }
            if left > 0 {
                fail(id, Why::never_said(&gone.value));
            }
        }
    }
}

/// A value that comes, or goes, so often: in which batch, and in which slot.
pub(super) struct JoinChange<V> {
    pub(super) came: BatchTime,
    pub(super) slot: u32,
    pub(super) value: V,
    pub(super) times: i64,
}
