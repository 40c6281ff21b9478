//! A running count by key: each batch is reduced, and then merged into what is kept of all keys.

use std::hash::Hash;

use foldhash::fast::RandomState;

use super::{
    reduce::Reduce,
    stage::{Partition, Team, parts},
};
use crate::{
    function::Sum,
    lockstep::Contestant,
    pairs::{BenchKey, Map},
    rows::count_hash,
};

struct Counts<K> {
    reduce: Reduce<K, Sum>,
    reduced: Vec<(K, i64)>,
    counts: Map<K, i64>,
}

/// A key, its count before the batch and after it.
type Change<K> = (K, Option<i64>, i64);

impl<K: Clone + Hash + Eq + Send + 'static> Partition for Counts<K> {
    type Part = Vec<(K, i64)>;
    type Out = Vec<Change<K>>;

    fn run(&mut self, part: &mut Vec<(K, i64)>, changes: &mut Vec<Change<K>>) {
        let Counts { reduce, reduced, counts } = self;
        part.drain(..).for_each(|(key, n)| reduce.add(key, n));
        reduce.finish(reduced);
        changes.clear();
        changes.extend(reduced.drain(..).map(|(key, n)| match counts.get_mut(&key) {
            Some(count) => {
                let old = *count;
                *count += n;
                (key, Some(old), *count)
            }
            None => {
                counts.insert(key.clone(), n);
                (key, None, n)
            }
        }));
    }
}

/// Delivers what changed in each batch.
pub struct Count<K: Clone + Hash + Eq + Send + 'static> {
    team: Team<Counts<K>>,
    kept: u64,
}

impl<K: Clone + Hash + Eq + Send + 'static> Count<K> {
    pub fn new(threads: usize) -> Self {
        let seed = RandomState::default();
        let partition =
            |reduce| Counts { reduce, reduced: Vec::new(), counts: Map::with_hasher(seed.clone()) };
        Count { team: Team::new(Reduce::on(threads, &seed).map(partition)), kept: 0 }
    }
}

impl<K: BenchKey> Contestant<Vec<(K, i64)>> for Count<K> {
    fn give(&mut self, batch: Vec<(K, i64)>) {
        for (thread, part) in parts(batch, self.team.threads()).enumerate() {
            self.team.seat(thread).0 = part;
        }
    }

    fn slide(&mut self) {
        self.team.run();
    }

    fn hash(&mut self) -> u64 {
        for thread in 0..self.team.threads() {
            for (key, old, new) in &self.team.seat(thread).1 {
                let old = old.map_or(0, |old| count_hash(key, old));
                self.kept = self.kept.wrapping_add(count_hash(key, *new)).wrapping_sub(old);
            }
        }
        self.kept
    }
}
