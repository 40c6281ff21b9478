//! The sum of a batch's changes, key by key.

use std::{collections::HashMap, hash::Hash};

use foldhash::fast::RandomState;

/// A stream that has not one value a key: what is wrong with it.
pub(super) type NetProblem = &'static str;

pub(super) const SEVERAL: NetProblem = "leaves a key with more than one value";
pub(super) const MISSING: NetProblem = "takes back a value that is not there";

/// Each key that is not as it was before, once, with its value from now on. Changes count in any order: what is added
/// as often as it is taken back never was.
pub(super) fn net<K: Eq + Hash, V: PartialEq>(
    changes: Vec<((K, V), i64)>,
    before: &HashMap<K, V, RandomState>,
) -> Result<Vec<(K, Option<V>)>, NetProblem> {
    let mut keys = HashMap::<K, KeyCounts<'_, V>, RandomState>::default();
    for ((key, value), times) in changes {
        keys.entry(key).or_insert_with_key(|key| KeyCounts::new(before.get(key))).add(value, times);
    }
    let mut changed = Vec::with_capacity(keys.len());
    for (key, counts) in keys {
        match counts.outcome()? {
            NetOutcome::Same => {}
            NetOutcome::Now(value) => changed.push((key, Some(value))),
            NetOutcome::Gone => changed.push((key, None)),
        }
    }
    Ok(changed)
}

/// How often each value of a key is there.
struct KeyCounts<'a, V> {
    before: Option<&'a V>,
    /// How often the value is there that there was before.
    stays: i64,
    /// Most keys get one other value: `more` has no room until there are two.
    other: Option<(V, i64)>,
    more: Vec<(V, i64)>,
}

enum NetOutcome<V> {
    Same,
    Now(V),
    Gone,
}

impl<'a, V: PartialEq> KeyCounts<'a, V> {
    fn new(before: Option<&'a V>) -> Self {
        KeyCounts { before, stays: i64::from(before.is_some()), other: None, more: Vec::new() }
    }

    fn add(&mut self, value: V, times: i64) {
        let mut others = self.other.iter_mut().chain(&mut self.more);
        if self.before.is_some_and(|before| same(before, &value)) {
            self.stays = self.stays.wrapping_add(times);
        } else if let Some((_, n)) = others.find(|(other, _)| same(other, &value)) {
            *n = n.wrapping_add(times);
        } else if self.other.is_none() {
            self.other = Some((value, times));
        } else {
            self.more.push((value, times));
        }
    }

    fn outcome(self) -> Result<NetOutcome<V>, NetProblem> {
        let mut total = self.stays;
        let mut now = None;
        for (value, times) in self.other.into_iter().chain(self.more).filter(|(_, times)| *times != 0) {
            if times < 0 {
                return Err(MISSING);
            }
            total = total.saturating_add(times);
            now = Some(value);
        }
        match (self.stays, total, now) {
            (..0, ..) => Err(MISSING),
            (_, 2.., _) => Err(SEVERAL),
            (0, _, Some(value)) => Ok(NetOutcome::Now(value)),
            (0, _, None) if self.before.is_some() => Ok(NetOutcome::Gone),
            _ => Ok(NetOutcome::Same),
        }
    }
}

/// Equal, or both such that they do not equal even themselves: a float that is no number is taken back as well.
#[expect(clippy::eq_op, reason = "it is not always equal")]
fn same<V: PartialEq>(a: &V, b: &V) -> bool {
    a == b || (a != a && b != b)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    /// The same by a sum over all pairs.
    fn summed(
        changes: &[((u8, u8), i64)],
        before: &HashMap<u8, u8, RandomState>,
    ) -> Option<BTreeMap<u8, u8>> {
        let mut counts = BTreeMap::<(u8, u8), i64>::new();
        for (pair, times) in before.iter().map(|(k, v)| ((*k, *v), 1)).chain(changes.iter().copied()) {
            *counts.entry(pair).or_default() += times;
        }
        let mut after = BTreeMap::new();
        for ((key, value), times) in counts {
            match times {
                0 => {}
                1 if after.insert(key, value).is_none() => {}
                _ => return None,
            }
        }
        Some(after)
    }

    proptest! {
        #[test]
        fn it_equals_the_sum_of_all(
            before in vec(option::of(0..3u8), 3),
            noise in vec(((0..3u8, 0..3u8), -1..2i64), 0..4),
            after in vec(option::of(0..3u8), 3),
            detours in vec((0..3u8, 0..3u8), 0..6),
            seed in any::<u64>(),
            noisy in any::<bool>(),
        ) {
            let table = |values: &[Option<u8>]| -> HashMap<u8, u8, RandomState> {
                (0..).zip(values).filter_map(|(key, value)| Some((key, (*value)?))).collect()
            };
            let (before, after) = (table(&before), table(&after));
            let mut changes: Vec<_> = before.iter().map(|(k, v)| ((*k, *v), -1)).collect();
            changes.extend(after.iter().map(|(k, v)| ((*k, *v), 1)));
            changes.extend(detours.iter().flat_map(|pair| [(*pair, 1), (*pair, -1)]));
            if noisy {
                changes.extend(noise);
            }
            // In any order, the same for a seed.
            changes.sort_by_key(|((k, v), n)| seed.rotate_left(u32::from(*k) * 13 + u32::from(*v) * 5 + *n as u32 % 64) % 97);
            let expected = summed(&changes, &before);
            let got = net(changes, &before).ok().map(|changed| {
                let mut now: BTreeMap<u8, u8> = before.into_iter().collect();
                for (key, value) in changed {
                    let was = match value {
                        Some(value) => now.insert(key, value),
                        None => now.remove(&key),
                    };
                    assert_ne!(was, value, "only what changed is said");
                }
                now
            });
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let before = HashMap::from_iter([(1, 'a')]);
        let changes = |changes: &[((i32, char), i64)]| net(changes.to_vec(), &before);
        assert_eq!(changes(&[((1, 'b'), 1)]), Err(SEVERAL));
        assert_eq!(changes(&[((1, 'a'), 1)]), Err(SEVERAL), "the same value twice");
        assert_eq!(changes(&[((2, 'b'), 2)]), Err(SEVERAL));
        assert_eq!(changes(&[((1, 'b'), -1), ((1, 'c'), 1)]), Err(MISSING));
        assert_eq!(changes(&[((1, 'a'), -2)]), Err(MISSING));
        assert_eq!(changes(&[((1, 'b'), 1), ((1, 'a'), -1)]), Ok(vec![(1, Some('b'))]));
    }

    #[test]
    fn what_is_no_number_can_be_taken_back() {
        let before = HashMap::from_iter([(1, f64::NAN)]);
        let changed = net(vec![((1, 2.0), 1), ((1, f64::NAN), -1)], &before);
        assert_eq!(changed, Ok(vec![(1, Some(2.0))]));
    }
}
