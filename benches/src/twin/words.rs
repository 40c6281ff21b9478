//! Word count of each batch.

use std::{
    hash::BuildHasher,
    sync::{Arc, MutexGuard},
};

use foldhash::fast::RandomState;

use super::stage::{Exchange, Partition, Team, owner, parts};
use crate::pairs::Map;

/// Words of one thread for another with their counts, as a shuffle writes them: texts one after the other.
#[derive(Default)]
struct Block {
    text: String,
    /// Where a word ends, and how often it was there.
    counts: Vec<(usize, i64)>,
}

impl Block {
    fn clear(&mut self) {
        self.text.clear();
        self.counts.clear();
    }

    fn push(&mut self, word: &str, n: i64) {
        self.text.push_str(word);
        self.counts.push((self.text.len(), n));
    }

    fn words(&self) -> impl Iterator<Item = (&str, i64)> {
        let mut start = 0;
        self.counts.iter().map(move |&(end, n)| (&self.text[std::mem::replace(&mut start, end)..end], n))
    }
}

struct Words {
    at: usize,
    exchange: Arc<Exchange<Block>>,
    outgoing: Vec<Block>,
    seed: RandomState,
    /// Words that the maps held at the last batch: they borrow of the batch, so only their size can be kept.
    combined: usize,
    merged: usize,
}

impl Partition for Words {
    type Part = Vec<String>;
    type Out = Vec<(String, i64)>;

    fn run(&mut self, lines: &mut Vec<String>, out: &mut Vec<(String, i64)>) {
        let mut counts = map(self.combined, &self.seed);
        for word in lines.iter().flat_map(|line| line.split_whitespace()) {
            *counts.entry(word).or_insert(0) += 1;
        }
        self.combined = counts.len();
        if self.exchange.threads() == 1 {
            own(counts, out);
            lines.clear();
            return;
        }
        self.outgoing.iter_mut().for_each(Block::clear);
        for (word, n) in counts {
            self.outgoing[owner(self.seed.hash_one(word), self.exchange.threads())].push(word, n);
        }
        lines.clear();
        self.exchange.give(self.at, &mut self.outgoing);
        let given: Vec<MutexGuard<'_, Block>> = self.exchange.given(self.at).collect();
        let mut counts = map(self.merged, &self.seed);
        for (word, n) in given.iter().flat_map(|block| block.words()) {
            *counts.entry(word).or_insert(0) += n;
        }
        self.merged = counts.len();
        own(counts, out);
    }
}

fn map<'a>(words: usize, seed: &RandomState) -> Map<&'a str, i64> {
    Map::with_capacity_and_hasher(words + words / 8, seed.clone())
}

fn own(counts: Map<&str, i64>, out: &mut Vec<(String, i64)>) {
    out.extend(counts.into_iter().map(|(word, n)| (word.to_owned(), n)));
}

/// Counts the words of each batch of lines.
pub fn count_words(batches: Vec<Vec<String>>, threads: usize) -> Vec<Vec<(String, i64)>> {
    let exchange = Exchange::new(threads);
    let seed = RandomState::default();
    let partition = |at| Words {
        at,
        exchange: exchange.clone(),
        outgoing: (0..threads).map(|_| Block::default()).collect(),
        seed: seed.clone(),
        combined: 0,
        merged: 0,
    };
    let mut team = Team::new((0..threads).map(partition));
    let count = |lines| {
        for (thread, part) in parts(lines, threads).enumerate() {
            team.seat(thread).0 = part;
        }
        team.run();
        let mut counts = std::mem::take(&mut team.seat(0).1);
        (1..threads).for_each(|thread| counts.append(&mut team.seat(thread).1));
        counts
    };
    batches.into_iter().map(count).collect()
}
