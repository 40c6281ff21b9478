//! A batch reduced by key: combined where it is, exchanged, and combined where it belongs.

use std::{
    hash::{BuildHasher, Hash},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::stage::{Exchange, owner};
use crate::{
    function::{Function, add},
    pairs::Map,
};

/// Keys with what was made of their values.
pub type Reduced<K, F> = Vec<(K, <F as Function>::Of)>;

/// The part of one thread.
pub struct Reduce<K, F: Function> {
    at: usize,
    exchange: Arc<Exchange<Reduced<K, F>>>,
    combined: Map<K, F::Of>,
    outgoing: Vec<Reduced<K, F>>,
}

impl<K: Hash + Eq, F: Function> Reduce<K, F> {
    /// The parts of so many threads. `seed` is that of all maps of the job.
    pub fn on(threads: usize, seed: &RandomState) -> impl Iterator<Item = Self> {
        let exchange = Exchange::new(threads);
        (0..threads).map(move |at| Reduce {
            at,
            exchange: exchange.clone(),
            combined: Map::with_hasher(seed.clone()),
            outgoing: (0..threads).map(|_| Vec::new()).collect(),
        })
    }

    /// Combines a record of the batch.
    #[inline]
    pub fn add(&mut self, key: K, value: i64) {
        add::<K, F>(&mut self.combined, key, F::of(value));
    }

    /// Ends the batch: adds its keys that are this thread's to `reduced`, in the order of a map.
    pub fn finish(&mut self, reduced: &mut Reduced<K, F>) {
        let Reduce { at, exchange, combined, outgoing } = self;
        if exchange.threads() > 1 {
            let seed = combined.hasher().clone();
            for (key, of) in combined.drain() {
                outgoing[owner(seed.hash_one(&key), exchange.threads())].push((key, of));
            }
            exchange.give(*at, outgoing);
            for mut given in exchange.given(*at) {
                given.drain(..).for_each(|(key, of)| add::<K, F>(combined, key, of));
            }
        }
        reduced.extend(combined.drain());
    }
}
