//! Seeded input: words of a Zipf distribution, and lines of them.

use std::collections::HashSet;

use rand::{Rng, SeedableRng, rngs::SmallRng};

/// `n` ranks below `keys`, Zipf with exponent 1, ranks shuffled so that order is not frequency.
pub fn zipf(n: usize, keys: usize, seed: u64) -> Vec<u32> {
    let mut total = 0.0;
    let cumulated: Vec<f64> = (1..=keys)
        .map(|rank| {
            total += 1.0 / rank as f64;
            total
        })
        .collect();
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut ids: Vec<u32> = (0..keys as u32).collect();
    for i in (1..keys).rev() {
        ids.swap(i, rng.random_range(0..=i));
    }
    let draw = |_| {
        let at = rng.random::<f64>() * total;
        ids[cumulated.partition_point(|c| *c < at).min(keys - 1)]
    };
    (0..n).map(draw).collect()
}

/// `keys` different words of 4 to 12 letters.
pub fn vocabulary(keys: usize) -> Vec<String> {
    let mut rng = SmallRng::seed_from_u64(7);
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    while words.len() < keys {
        let length = rng.random_range(4..13);
        let word: String = (0..length).map(|_| char::from(b'a' + rng.random_range(0..26u8))).collect();
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// Batches of lines of ten words.
pub fn lines(batches: usize, words_a_batch: usize) -> Vec<Vec<String>> {
    let words = vocabulary(100_000);
    let ids = zipf(batches * words_a_batch, words.len(), 42);
    ids.chunks(words_a_batch)
        .map(|batch| {
            let line =
                |ids: &[u32]| ids.iter().map(|id| words[*id as usize].as_str()).collect::<Vec<_>>().join(" ");
            batch.chunks(10).map(line).collect()
        })
        .collect()
}
