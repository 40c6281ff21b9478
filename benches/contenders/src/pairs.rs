//! Batches of keys and values, of keys of two kinds.

use crate::{
    data::{vocabulary, zipf},
    measure::{mix, mix_text},
};

/// The map of every contender.
pub type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// A key of the two kinds that are measured.
pub trait BenchKey: streaming_runtime::Key + Ord + std::fmt::Debug {
    const NAME: &'static str;
    /// The key of a rank.
    fn of(id: u32, words: &[String]) -> Self;
    /// A key of a number, a different one for each.
    fn numbered(number: u64) -> Self;
    /// A hash that other languages make as easily.
    fn portable(&self) -> u64;
}

impl BenchKey for u64 {
    const NAME: &'static str = "u64";
    fn of(id: u32, _: &[String]) -> u64 {
        u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
    fn numbered(number: u64) -> u64 {
        mix(number)
    }
    fn portable(&self) -> u64 {
        mix(*self)
    }
}

impl BenchKey for String {
    const NAME: &'static str = "String";
    fn of(id: u32, words: &[String]) -> String {
        words[id as usize].clone()
    }
    /// Twelve letters.
    fn numbered(number: u64) -> String {
        format!("{:012x}", mix(number) >> 16)
    }
    fn portable(&self) -> u64 {
        mix_text(self)
    }
}

/// Batches of pairs without an end: Zipf keys, values of 1 to 1,000. A batch is a stretch of one long draw, so
/// that a window of a thousand batches needs no memory for its input; batch `n` is always the same.
pub struct Pairs {
    ids: Vec<u32>,
    words: Vec<String>,
    records: usize,
}

impl Pairs {
    pub fn new(keys: usize, records: usize) -> Self {
        Pairs { ids: zipf(records * 64, keys, 42), words: vocabulary(keys), records }
    }

    pub fn batch<K: BenchKey>(&self, number: u64) -> Vec<(K, i64)> {
        let at = mix(number) as usize % (self.ids.len() - self.records);
        let ids = self.ids[at..at + self.records].iter().zip(0u64..);
        let value = |i: u64| (mix(number << 32 | i) % 1000) as i64 + 1;
        ids.map(|(id, i)| (K::of(*id, &self.words), value(i))).collect()
    }
}
