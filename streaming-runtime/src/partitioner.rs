//! Which worker owns a key.

use std::hash::{BuildHasher, Hash};

// Not the fast one: keys that are together by one of its seeds are partly together by others.
use foldhash::quality::FixedState;

/// Assigns keys to workers. Each start of a job has a new seed, so that nobody can make keys that are all on one worker. All workers of a
/// job, in all of its processes, have the same seed. It is not stored: restored states are assigned again, and output depends on it only
/// in the order within a batch.
#[derive(Clone, Debug)]
pub(crate) struct Owners(FixedState);

impl Owners {
    pub(crate) fn new(seed: u64) -> Self {
        Owners(FixedState::with_seed(seed))
    }

    /// The number of a key's owner, of which [`JobContext::owns`](crate::stream::context::JobContext::owns) knows the worker.
    pub(crate) fn of<K: Hash>(&self, key: &K) -> u64 {
        self.0.hash_one(key)
    }
}

/// Whether `process` of so many is the one that takes a name: a file, a partition, a topic. Exactly one is, and always the same.
pub(crate) fn takes(name: &(impl Hash + ?Sized), process: usize, processes: usize) -> bool {
    spread(name) % processes.max(1) as u64 == process as u64
}

/// A number for a value, the same in every process.
pub(crate) fn spread(value: &(impl Hash + ?Sized)) -> u64 {
    foldhash::fast::FixedState::with_seed(0xc1a5).hash_one(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that are all on one of four workers by one seed are spread by another.
    #[test]
    fn keys_that_were_made_for_one_worker_are_spread_by_another_seed() {
        let owners = Owners::new(1);
        let made: Vec<u64> = (0..).filter(|key| owners.of(key).is_multiple_of(4)).take(4_000).collect();
        for seed in 2..12 {
            let mut workers = [0; 4];
            made.iter().for_each(|key| workers[(Owners::new(seed).of(key) % 4) as usize] += 1);
            assert!(workers.iter().all(|keys| (800..1_200).contains(keys)), "{workers:?}");
        }
    }
}
