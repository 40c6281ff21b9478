//! A running count of a million keys, batches of 100k, what changed in each batch out.
//!
//! Estimate, before the first run, u64 keys, one worker. Keys are drawn evenly, so a batch touches 95,000 of them and
//! every look-up of a million slots misses the cache.
//! - The plain loop looks a key up once a record, 40-60 ns, and once more to say what changed: 10 ms a batch.
//! - The engine gathers the batch first, 95,000 keys at 30 ns; looks each up and goes to its slot, 80 ns; says
//!   the old and the new value as two records: 15 ms, 0.6x. Strings: two comparisons out of cache more, 0.5x.
//! - A key costs the plain loop a key, a count and a byte, times 1.5 for the table's free places: 26 bytes, Strings
//!   50 and their letters 16. The engine's slot holds a key, an open value, a whole, a count of
//!   panes, two times, and a number in the table: 80 bytes, times 1.5 for doubling; Strings 32 more.

use std::collections::BTreeMap;

use streaming_runtime::{Job, StartError, connect::queue::SharedQueue, prelude::*};

use contenders::{
    child::in_child,
    driven::{Latest, Running},
    lockstep::{Contestant, Entrant, Timed, side_by_side},
    measure::{Params, Row, Runs, mix, rss_bytes},
    pairs::{BenchKey, Map},
    rows::count_hash,
    twin,
};

/// The pipeline, for keys of a type.
trait Count: BenchKey {
    fn start(
        engine: &Engine,
        keys: SharedQueue<(Self, i64)>,
        out: Latest<((Self, i64), i64)>,
    ) -> Result<Job, StartError>;
}

macro_rules! count {
    ($key:ident) => {
        impl Count for $key {
            fn start(
                engine: &Engine,
                keys: SharedQueue<($key, i64)>,
                out: Latest<(($key, i64), i64)>,
            ) -> Result<Job, StartError> {
                stream!(
                    #[batch(secs(1))]
                    fn count<keys: Source<($key, i64)>, out: Sink<(($key, i64), i64)>>() {
                        let all = keys.history().allow_unbounded("a bench has an end");
                        all.reduce_by_key(|a, b| a + b).changes().to(out);
                    }
                );
                engine.start(count::Ports { keys, out })
            }
        }
    };
}
count!(u64);
count!(String);

fn stream<K: Count>(workers: usize) -> Running<(K, i64), ((K, i64), i64)> {
    Running::start(workers, K::start, |kept, changes| {
        let hash = |((key, n), times): &((K, i64), i64)| count_hash(key, *n).wrapping_mul(*times as u64);
        changes.iter().map(hash).fold(kept, u64::wrapping_add)
    })
}

/// A map of counts, and of each batch the keys that changed, with the old and the new count.
struct Plain<K> {
    given: Vec<(K, i64)>,
    /// The count, what it was before the batch, and the batch in which it changed last.
    counts: Map<K, (i64, i64, u64)>,
    number: u64,
    touched: Vec<K>,
    changes: Vec<(K, Option<i64>, i64)>,
    kept: u64,
}

impl<K> Default for Plain<K> {
    fn default() -> Self {
        Plain {
            given: Vec::new(),
            counts: Map::default(),
            number: 0,
            touched: Vec::new(),
            changes: Vec::new(),
            kept: 0,
        }
    }
}

impl<K: BenchKey> Contestant<Vec<(K, i64)>> for Plain<K> {
    fn give(&mut self, batch: Vec<(K, i64)>) {
        self.given = batch;
    }

    fn slide(&mut self) {
        self.number += 1;
        for (key, n) in std::mem::take(&mut self.given) {
            match self.counts.get_mut(&key) {
                Some((count, old, changed)) => {
                    if *changed != self.number {
                        (*old, *changed) = (*count, self.number);
                        self.touched.push(key);
                    }
                    *count += n;
                }
                None => {
                    self.touched.push(key.clone());
                    self.counts.insert(key, (n, 0, self.number));
                }
            }
        }
        for key in self.touched.drain(..) {
            let (count, old, _) = self.counts[&key];
            self.changes.push((key, (old != 0).then_some(old), count));
        }
    }

    fn hash(&mut self) -> u64 {
        for (key, old, new) in std::mem::take(&mut self.changes) {
            let old = old.map_or(0, |old| count_hash(&key, old));
            self.kept = self.kept.wrapping_add(count_hash(&key, new)).wrapping_sub(old);
        }
        self.kept
    }
}

/// The sizes of a run.
#[derive(Clone, Copy)]
struct Scale {
    keys: u64,
    records: u64,
    timed: u64,
}

impl Scale {
    fn of(runs: Runs) -> Scale {
        match runs.quick {
            true => Scale { keys: 20_000, records: 2_000, timed: 10 },
            false => Scale { keys: 1_000_000, records: 100_000, timed: 30 },
        }
    }

    /// Batches until every key was there.
    fn filling(self) -> u64 {
        self.keys / self.records
    }

    /// First every key once, then any.
    fn batch<K: BenchKey>(self, number: u64) -> Vec<(K, i64)> {
        let key = |i: u64| {
            let i = number * self.records + i;
            if i < self.keys { i } else { mix(i) % self.keys }
        };
        (0..self.records).map(|i| (K::numbered(key(i)), 1)).collect()
    }
}

pub fn run(runs: Runs) -> Vec<Row> {
    let mut rows = keys::<u64>(runs);
    rows.extend(keys::<String>(runs));
    rows
}

fn keys<K: Count>(runs: Runs) -> Vec<Row> {
    let scale = Scale::of(runs);
    let entrants = |filling: u64, timed: u64| {
        let enter =
            |engine, workers, contestant| Entrant { engine, workers, window: filling, timed, contestant };
        vec![
            enter("plain loop", 1, Box::new(Plain::<K>::default()) as Box<dyn Contestant<_>>),
            enter("stream", 1, Box::new(stream::<K>(1))),
            enter("stream", 2, Box::new(stream::<K>(2))),
            enter("twin", 1, Box::new(twin::Count::<K>::new(1))),
            enter("twin", 2, Box::new(twin::Count::<K>::new(2))),
        ]
    };
    let mut rows = Vec::new();
    let phases = [("all new", 0, scale.filling()), ("all known", scale.filling(), scale.timed)];
    for (phase, filling, timed) in phases {
        let params: Params = BTreeMap::from([
            ("key", K::NAME.into()),
            ("keys", scale.keys.into()),
            ("records_a_batch", scale.records.into()),
            ("phase", phase.into()),
        ]);
        let timed = side_by_side(entrants(filling, timed), |number| scale.batch::<K>(number));
        rows.extend(timed.iter().map(|timed| timed.row("running", &params, scale.records)));
        let ratio = |what, one: &Timed, other: &Timed, wanted| {
            Row::figure("running", &params, what, one.mean() / other.mean(), wanted)
        };
        rows.push(ratio("time of plain loop / stream", &timed[0], &timed[1], ">= 0.3"));
        rows.push(ratio("time of 1 worker / 2 workers", &timed[1], &timed[2], ""));
        rows.push(ratio("time of twin / stream", &timed[3], &timed[1], ""));
        rows.push(ratio("time of twin / stream, two threads", &timed[4], &timed[2], ""));
        if filling > 0 {
            for engine in ["plain", "stream"] {
                let [before, after] = in_child(&["held", engine, K::NAME], runs)[..] else {
                    panic!("the child says two figures");
                };
                let bytes = after.saturating_sub(before) as f64 / scale.keys as f64;
                let what = format!("{engine}: resident bytes a key");
                rows.push(Row::figure("running", &params, what, bytes, ""));
            }
        }
    }
    rows
}

/// In a process of its own: resident memory before the first and after the last key.
pub fn held(engine: &str, key: &str, runs: Runs) -> Vec<u64> {
    match (engine, key) {
        ("plain", "u64") => fill(Plain::<u64>::default(), runs),
        ("plain", _) => fill(Plain::<String>::default(), runs),
        (_, "u64") => fill(stream::<u64>(1), runs),
        _ => fill(stream::<String>(1), runs),
    }
}

fn fill<K: BenchKey>(mut contestant: impl Contestant<Vec<(K, i64)>>, runs: Runs) -> Vec<u64> {
    let scale = Scale::of(runs);
    let before = rss_bytes();
    for number in 0..scale.filling() {
        contestant.give(scale.batch(number));
        contestant.slide();
        contestant.hash();
    }
    vec![before, rss_bytes()]
}
