//! Sliding windows: each batch is reduced once and kept.

use std::{collections::VecDeque, hash::Hash};

use foldhash::fast::RandomState;

use super::{
    reduce::{Reduce, Reduced},
    stage::{Partition, Team, parts},
};
use crate::{
    function::{Function, Inverse},
    lockstep::Contestant,
    pairs::{BenchKey, Map},
    rows::kept_hash,
};

/// How a window comes of its batches.
pub trait Slide<K, F: Function>: Send + 'static {
    fn new(seed: RandomState) -> Self;
    /// `left` is the batch that the window has no more, `batches` those that it has, the newest last.
    fn slide(
        &mut self,
        left: &Reduced<K, F>,
        batches: &VecDeque<Reduced<K, F>>,
        contents: &mut Reduced<K, F>,
    );
    /// Whether batches matter before the window is full. Nobody looks at it then, and to merge it each time would take as
    /// long as all that follows.
    const FROM_THE_FIRST: bool;
}

/// Merges all batches of the window at each slide.
pub struct Recompute<K, F: Function> {
    whole: Map<K, F::Of>,
}

impl<K: Clone + Hash + Eq + Send + 'static, F: Function> Slide<K, F> for Recompute<K, F> {
    const FROM_THE_FIRST: bool = false;

    fn new(seed: RandomState) -> Self {
        Recompute { whole: Map::with_hasher(seed) }
    }

    fn slide(&mut self, _: &Reduced<K, F>, batches: &VecDeque<Reduced<K, F>>, contents: &mut Reduced<K, F>) {
        for batch in batches {
            merge::<K, F>(&mut self.whole, batch);
        }
        contents.extend(self.whole.drain());
    }
}

/// Takes what leaves from the window before, and adds what enters.
pub struct Inverted<K, F: Inverse> {
    whole: Map<K, F::Of>,
}

impl<K: Clone + Hash + Eq + Send + 'static, F: Inverse> Slide<K, F> for Inverted<K, F> {
    const FROM_THE_FIRST: bool = true;

    fn new(seed: RandomState) -> Self {
        Inverted { whole: Map::with_hasher(seed) }
    }

    fn slide(
        &mut self,
        left: &Reduced<K, F>,
        batches: &VecDeque<Reduced<K, F>>,
        contents: &mut Reduced<K, F>,
    ) {
        for (key, of) in left {
            let whole = self.whole.get_mut(key).expect("what entered is there until it leaves");
            *whole = F::undo(*whole, *of);
        }
        merge::<K, F>(&mut self.whole, batches.back().expect("a batch was added"));
        contents.extend(self.whole.iter().map(|(key, of)| (key.clone(), *of)));
    }
}

fn merge<K: Clone + Hash + Eq, F: Function>(whole: &mut Map<K, F::Of>, batch: &Reduced<K, F>) {
    for (key, of) in batch {
        match whole.get_mut(key) {
            Some(whole) => *whole = F::merge(*whole, *of),
            None => {
                whole.insert(key.clone(), *of);
            }
        }
    }
}

struct Window<K, F: Function, S> {
    reduce: Reduce<K, F>,
    length: usize,
    batches: VecDeque<Reduced<K, F>>,
    /// The batch that left last, empty.
    spare: Reduced<K, F>,
    slide: S,
}

impl<K, F, S> Partition for Window<K, F, S>
where
    K: Clone + Hash + Eq + Send + 'static,
    F: Function,
    S: Slide<K, F>,
{
    type Part = Vec<(K, i64)>;
    type Out = Reduced<K, F>;

    fn run(&mut self, part: &mut Vec<(K, i64)>, contents: &mut Reduced<K, F>) {
        part.drain(..).for_each(|(key, value)| self.reduce.add(key, value));
        let mut reduced = std::mem::take(&mut self.spare);
        self.reduce.finish(&mut reduced);
        // What keys own then lies together, in the order in which it is gone through at each slide: twice as fast for Strings.
        reduced.iter_mut().for_each(|(key, _)| *key = key.clone());
        let full = self.batches.len() == self.length;
        let mut left = if full { self.batches.pop_front().unwrap_or_default() } else { Vec::new() };
        self.batches.push_back(reduced);
        contents.clear();
        if S::FROM_THE_FIRST || self.batches.len() == self.length {
            self.slide.slide(&left, &self.batches, contents);
        }
        left.clear();
        self.spare = left;
    }
}

/// A windowed sum, maximum, or a user's function.
pub struct Windowed<K, F, S>(Team<Window<K, F, S>>)
where
    K: Clone + Hash + Eq + Send + 'static,
    F: Function,
    S: Slide<K, F>;

impl<K, F, S> Windowed<K, F, S>
where
    K: Clone + Hash + Eq + Send + 'static,
    F: Function,
    S: Slide<K, F>,
{
    pub fn new(window: u64, threads: usize) -> Self {
        let seed = RandomState::default();
        let partitions = Reduce::on(threads, &seed).map(|reduce| Window {
            reduce,
            length: window as usize,
            batches: VecDeque::new(),
            spare: Vec::new(),
            slide: S::new(seed.clone()),
        });
        Windowed(Team::new(partitions))
    }
}

impl<K, F, S> Contestant<Vec<(K, i64)>> for Windowed<K, F, S>
where
    K: BenchKey,
    F: Function,
    S: Slide<K, F>,
{
    fn give(&mut self, batch: Vec<(K, i64)>) {
        for (thread, part) in parts(batch, self.0.threads()).enumerate() {
            self.0.seat(thread).0 = part;
        }
    }

    fn slide(&mut self) {
        self.0.run();
    }

    fn hash(&mut self) -> u64 {
        let mut hash = 0_u64;
        for thread in 0..self.0.threads() {
            let seat = self.0.seat(thread);
            hash = seat.1.iter().map(|(key, of)| kept_hash::<K, F>(key, *of)).fold(hash, u64::wrapping_add);
        }
        hash
    }
}
