//! What the rows that workloads deliver hash to, which is the same for every contender.

use crate::{function::Function, measure::mix, pairs::BenchKey};

/// The hash of a pair of joined records; it is the twin's whole work on a pair, so it is cheap.
pub fn joined_hash(left: u64, right: u64) -> u64 {
    (left.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ right).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// The hash of a key and its count.
pub fn count_hash<K: BenchKey>(key: &K, n: i64) -> u64 {
    mix(key.portable() ^ n as u64)
}

/// The hash of a key and what a window keeps of it; 0 for nothing.
pub fn kept_hash<K: BenchKey, F: Function>(key: &K, of: F::Of) -> u64 {
    if F::is_nothing(&of) { 0 } else { mix(key.portable() ^ F::portable(of)) }
}
