//! The hash of keys.

use std::{
    hash::{BuildHasher, Hash},
    sync::OnceLock,
};

use foldhash::fast::RandomState;

/// The hasher of the tables that a batch goes through, those of combiners and of windows' slots, seeded when the process
/// starts, because keys may be hostile. It is one for both so that keys drained from one table, which come in the order
/// of their hashes, meet the next in the order of its memory: that makes look-ups of many keys twice as fast.
pub(crate) fn one_hasher() -> RandomState {
    static ONE: OnceLock<RandomState> = OnceLock::new();
    ONE.get_or_init(RandomState::default).clone()
}

/// The same hash of one value.
pub(crate) fn hash<T: Hash>(value: &T) -> u64 {
    one_hasher().hash_one(value)
}
