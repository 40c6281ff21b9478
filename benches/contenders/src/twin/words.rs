//! Word count of each batch.

use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::stage::{Exchange, Partition, Team, owner, parts};

/// Words and how often they were there. The texts are one after the other, so that to compare them stays in the cache, and
/// nothing is allocated for a word before it is delivered.
struct Counter {
    seed: RandomState,
    table: HashTable<Counted>,
    text: String,
}

struct Counted {
    start: u32,
    end: u32,
    n: i64,
}

impl Counted {
    fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start as usize..self.end as usize]
    }
}

fn hash(seed: &RandomState, word: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(word);
    hasher.finish()
}

impl Counter {
    fn new(seed: &RandomState) -> Self {
        Counter { seed: seed.clone(), table: HashTable::new(), text: String::new() }
    }

    fn add(&mut self, word: &str, n: i64) {
        let Counter { seed, table, text } = self;
        let bytes = |counted: &Counted| &text.as_bytes()[counted.start as usize..counted.end as usize];
        let hashed = hash(seed, word.as_bytes());
        if let Some(counted) = table.find_mut(hashed, |counted| bytes(counted) == word.as_bytes()) {
            counted.n += n;
            return;
        }
        let (start, end) = (text.len(), text.len() + word.len());
        let end = u32::try_from(end).expect("the words of a batch are less than 4 GiB");
        table.insert_unique(hashed, Counted { start: start as u32, end, n }, |counted| {
            hash(seed, bytes(counted))
        });
        text.push_str(word);
    }

    /// Takes all words out.
    fn drain(&mut self, mut each: impl FnMut(&str, i64)) {
        let Counter { table, text, .. } = self;
        table.drain().for_each(|counted| each(counted.of(text), counted.n));
        text.clear();
    }
}

/// Words of one thread for another, as a shuffle writes them.
#[derive(Default)]
struct Block {
    text: String,
    /// Where a word ends, and how often it was there.
    counts: Vec<(usize, i64)>,
}

impl Block {
    fn push(&mut self, word: &str, n: i64) {
        self.text.push_str(word);
        self.counts.push((self.text.len(), n));
    }

    fn drain(&mut self, mut each: impl FnMut(&str, i64)) {
        let mut start = 0;
        for (end, n) in self.counts.drain(..) {
            each(&self.text[start..end], n);
            start = end;
        }
        self.text.clear();
    }
}

struct Words {
    at: usize,
    exchange: Arc<Exchange<Block>>,
    outgoing: Vec<Block>,
    counter: Counter,
}

impl Partition for Words {
    type Part = Vec<String>;
    type Out = Vec<(String, i64)>;

    fn run(&mut self, lines: &mut Vec<String>, out: &mut Vec<(String, i64)>) {
        let Words { at, exchange, outgoing, counter } = self;
        for line in lines.drain(..) {
            line.split_whitespace().for_each(|word| counter.add(word, 1));
        }
        if exchange.threads() > 1 {
            let seed = counter.seed.clone();
            counter.drain(|word, n| {
                outgoing[owner(hash(&seed, word.as_bytes()), exchange.threads())].push(word, n);
            });
            exchange.give(*at, outgoing);
            exchange.given(*at).for_each(|mut block| block.drain(|word, n| counter.add(word, n)));
        }
        out.reserve(counter.table.len());
        counter.drain(|word, n| out.push((word.to_owned(), n)));
    }
}

/// Counts the words of each batch of lines.
pub fn count_words(batches: Vec<Vec<String>>, threads: usize) -> Vec<Vec<(String, i64)>> {
    let (exchange, seed) = (Exchange::new(threads), RandomState::default());
    let mut team = Team::new((0..threads).map(|at| Words {
        at,
        exchange: exchange.clone(),
        outgoing: (0..threads).map(|_| Block::default()).collect(),
        counter: Counter::new(&seed),
    }));
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
