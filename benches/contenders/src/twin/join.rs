//! Two windows joined by key, again at each slide. Batches are partitioned once and kept.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hash},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::stage::{Exchange, Partition, Team, owner, parts};
use crate::{lockstep::Contestant, pairs::Map, rows::joined_hash};

type Side<K> = Vec<(K, u64)>;
/// Left and right.
type Sides<K> = (Side<K>, Side<K>);

struct Window<K> {
    at: usize,
    exchange: Arc<Exchange<Sides<K>>>,
    outgoing: Vec<Sides<K>>,
    seed: RandomState,
    length: usize,
    batches: VecDeque<Sides<K>>,
    groups: Groups,
}

/// The left records of the window by key.
#[derive(Default)]
struct Groups {
    /// Keys at the last slide.
    keys: usize,
    /// The group of each record, in the order of the window.
    of: Vec<u32>,
    /// Where a group ends and how many records it has.
    bounds: Vec<(usize, usize)>,
    /// The records, group by group.
    records: Vec<u64>,
}

impl<K: Hash + Eq + Send + 'static> Partition for Window<K> {
    type Part = Sides<K>;
    /// The sum of the hashes of all pairs: they are gone through and hashed, where others make records of them.
    type Out = u64;

    fn run(&mut self, part: &mut Sides<K>, out: &mut u64) {
        if self.batches.len() == self.length {
            self.batches.pop_front();
        }
        let batch = self.partitioned(part);
        self.batches.push_back(batch);
        if self.batches.len() == self.length {
            *out = self.groups.join(&self.batches, &self.seed); // while the window fills, nobody looks
        }
    }
}

impl<K: Hash + Eq> Window<K> {
    /// The batch's records that are this thread's, in the order of a map's places.
    fn partitioned(&mut self, part: &mut Sides<K>) -> Sides<K> {
        let mut batch = match self.exchange.threads() {
            1 => std::mem::take(part),
            threads => {
                let to = |key: &K| owner(self.seed.hash_one(key), threads);
                part.0.drain(..).for_each(|record| self.outgoing[to(&record.0)].0.push(record));
                part.1.drain(..).for_each(|record| self.outgoing[to(&record.0)].1.push(record));
                self.exchange.give(self.at, &mut self.outgoing);
                let mut batch = (Vec::new(), Vec::new());
                for mut given in self.exchange.given(self.at) {
                    batch.0.append(&mut given.0);
                    batch.1.append(&mut given.1);
                }
                batch
            }
        };
        let place = |(key, _): &(K, u64)| self.seed.hash_one(key) as u16;
        batch.0.sort_by_cached_key(place);
        batch.1.sort_by_cached_key(place);
        batch
    }
}

impl Groups {
    fn join<K: Hash + Eq>(&mut self, batches: &VecDeque<Sides<K>>, seed: &RandomState) -> u64 {
        let Groups { keys, of, bounds, records } = self;
        let left = || batches.iter().flat_map(|(left, _)| left);
        let mut groups = Map::<&K, u32>::with_capacity_and_hasher(*keys + *keys / 8, seed.clone());
        of.clear();
        bounds.clear();
        for (key, _) in left() {
            let group = *groups.entry(key).or_insert_with(|| {
                bounds.push((0, 0));
                bounds.len() as u32 - 1
            });
            bounds[group as usize].1 += 1;
            of.push(group);
        }
        *keys = groups.len();
        // In the order of the map, which the right side comes in too.
        let mut start = 0;
        for group in groups.values() {
            let (end, n) = &mut bounds[*group as usize];
            *end = start;
            start += *n;
        }
        records.resize(of.len(), 0);
        for ((_, record), group) in left().zip(of.iter()) {
            let (end, _) = &mut bounds[*group as usize];
            records[*end] = *record;
            *end += 1;
        }
        let mut hash = 0_u64;
        for (key, right) in batches.iter().flat_map(|(_, right)| right) {
            if let Some(group) = groups.get(key) {
                let (end, n) = bounds[*group as usize];
                let pairs = records[end - n..end].iter().map(|left| joined_hash(*left, *right));
                hash = pairs.fold(hash, u64::wrapping_add);
            }
        }
        hash
    }
}

/// Delivers the hash of all pairs of the window.
pub struct Join<K: Hash + Eq + Send + 'static>(Team<Window<K>>);

impl<K: Hash + Eq + Send + 'static> Join<K> {
    pub fn new(window: u64, threads: usize) -> Self {
        let (exchange, seed) = (Exchange::new(threads), RandomState::default());
        let partition = |at| Window {
            at,
            exchange: exchange.clone(),
            outgoing: (0..threads).map(|_| Sides::default()).collect(),
            seed: seed.clone(),
            length: window as usize,
            batches: VecDeque::new(),
            groups: Groups::default(),
        };
        Join(Team::new((0..threads).map(partition)))
    }
}

impl<K: Hash + Eq + Send + 'static> Contestant<Sides<K>> for Join<K> {
    fn give(&mut self, (left, right): Sides<K>) {
        let threads = self.0.threads();
        for (thread, part) in parts(left, threads).zip(parts(right, threads)).enumerate() {
            self.0.seat(thread).0 = part;
        }
    }

    fn slide(&mut self) {
        self.0.run();
    }

    fn hash(&mut self) -> u64 {
        (0..self.0.threads()).map(|thread| self.0.seat(thread).1).fold(0, u64::wrapping_add)
    }
}
