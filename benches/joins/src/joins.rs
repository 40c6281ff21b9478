//! Two windows joined by key: 2 x 10,000 records a batch, 100,000 keys drawn evenly, a slide each batch, windows of
//! 10, 100 and 300. Every contender but the twin delivers what changed: pairs that came and pairs that went.
//!
//! And 2 x 50,000 records a batch in a window of 10, which are the files of other engines (`benches/peers`): what
//! changed, new pairs only (half a million a batch), and the whole window's (2.5 million a batch).
//!
//! Estimate, before the first run, u64 keys, one worker. In a window of `w` batches a key has `w / 10` records on each
//! side, so a batch makes `2 * 10,000 * w / 10` pairs and takes back as many: 40,000, 400,000, 1.2 million.
//! - The symmetric hash join: 40,000 look-ups by 100 ns, and 5-10 ns a pair: 4 ms, 8 ms, 15 ms.
//! - The twin groups the whole window and goes through all of its pairs, `w` times a tenth of that many: 0.1, 10
//!   and 90 million by 1 ns, and 20,000 `w` records by 40 ns: 10 ms, 100 ms, 400 ms.
//! - Differential sorts 40,000 updates a batch by 100 ns, seeks each, and sorts nothing of its output: 10 ms, 30 ms,
//!   80 ms.
//! - Of the 2 x 50,000: 100,000 look-ups by 100 ns and a million pairs by 10 ns, 20 ms for changes; new pairs 15 ms by
//!   hand, and the engine makes all changes and drops half: 35 ms. The whole window is 2.5 million pairs kept and
//!   copied, 10-20 ns each: 60 ms.
//! - The engine should be within 0.5 to 0.8 of the symmetric join: the same work, plus the exchange.
//!
//! Pairs are hashed by the numbers of their two records, which say the key too.

mod by_hand;

use std::{
    collections::{BTreeMap, VecDeque},
    hash::Hash,
    time::Duration,
};

use streaming_runtime::{Job, Record, StartError, connect::queue::SharedQueue, prelude::*};
use timely::{ExchangeData, dataflow::operators::vec::Filter};

use by_hand::*;
use contenders::{
    by_hand::ByHand,
    child::in_child,
    dataflow::{Dataflow, panes},
    driven::{Latest, Running},
    lockstep::{Contestant, Entrant, Timed, digest, side_by_side},
    measure::{Params, Row, Runs, mix, rss_bytes},
    pairs::{BenchKey, Map},
    rows::joined_hash,
    twin,
};

type Side<K> = Vec<(K, u64)>;
type Batch<K> = (Side<K>, Side<K>);
type Joined<K> = (K, (u64, u64));
type Changed<K> = (Joined<K>, i64);

type Marked<K> = (bool, K, u64);
/// Puts changes to the hash of what there was before.
type AddUp<K> = fn(u64, Vec<Changed<K>>) -> u64;

/// What takes records with their side in one list.
struct Sided<C>(C);

impl<K, C: Contestant<Vec<Marked<K>>>> Contestant<Batch<K>> for Sided<C> {
    fn give(&mut self, (left, right): Batch<K>) {
        let mark = |is_left: bool| move |(key, record)| (is_left, key, record);
        self.0.give(left.into_iter().map(mark(true)).chain(right.into_iter().map(mark(false))).collect());
    }
    fn slide(&mut self) {
        self.0.slide();
    }
    fn hash(&mut self) -> u64 {
        self.0.hash()
    }
}

/// Two arrangements and `join_core`.
fn differential<K: BenchKey + ExchangeData>(window: u64) -> Sided<Dataflow<Marked<K>, Joined<K>>> {
    Sided(Dataflow::new(
        move |records| {
            let side = |left: bool| {
                let of_side = records.clone().filter(move |(is_left, _, _): &Marked<K>| *is_left == left);
                let add = |pane: &mut Side<K>, (_, key, record): Marked<K>| pane.push((key, record));
                let seal = |pane: Side<K>| pane.into_iter().map(|record| (record, 1_isize)).collect();
                panes(of_side, window, add, seal).arrange_by_key()
            };
            side(true).join_core(side(false), |key: &K, left: &u64, right: &u64| {
                Some((key.clone(), (*left, *right)))
            })
        },
        |(_, (left, right))| joined_hash(*left, *right),
    ))
}

/// The symmetric join in an operator of timely's, behind an exchange by key.
fn timely<K: BenchKey + ExchangeData>(
    plain: Plain<K>,
    add_up: AddUp<K>,
) -> Sided<ByHand<Marked<K>, Changed<K>>> {
    let add = |plain: &mut Plain<K>, records: &mut Vec<Marked<K>>| {
        for (is_left, key, record) in records.drain(..) {
            let (left, right) = &mut plain.given;
            if is_left { left } else { right }.push((key, record));
        }
    };
    let close = |plain: &mut Plain<K>| {
        plain.slide();
        std::mem::take(&mut plain.changes)
    };
    Sided(ByHand::new(plain, |(_, key, _)| digest(key), add, close, add_up))
}

/// The hash of all pairs there are after `changes`.
fn changes_hash<K>(kept: u64, changes: Vec<Changed<K>>) -> u64 {
    let hash =
        |((_, (left, right)), times): &Changed<K>| joined_hash(*left, *right).wrapping_mul(*times as u64);
    changes.iter().map(hash).fold(kept, u64::wrapping_add)
}

/// The engine's own, of a key's type.
trait Ours: BenchKey + Record {
    fn start(
        engine: &Engine,
        size: Duration,
        records: Queue<Self>,
        out: Out<Self>,
    ) -> Result<Job, StartError>;
}

type Queue<K> = SharedQueue<Marked<K>>;
type Out<K> = Latest<Changed<K>>;

macro_rules! ours {
    ($($key:ident)*) => {$(
        impl Ours for $key {
            fn start(engine: &Engine, size: Duration, records: Queue<$key>, out: Out<$key>) -> Result<Job, StartError> {
                stream!(
                    #[batch(secs(1))]
                    fn joined<records: Source<(bool, $key, u64)>, out: Sink<(($key, (u64, u64)), i64)>>(size: Duration) {
                        let (left, right) = records.split(|&(is_left, ..)| is_left);
                        let left = left.map(|(_, key, record)| (key, record)).window(size, secs(1));
                        let right = right.map(|(_, key, record)| (key, record)).window(size, secs(1));
                        left.join(right).changes().to(out);
                    }
                );
                engine.start(joined::Ports { records, out, size })
            }
        }
    )*};
}

ours!(u64 String);

/// A windowed join of the engine's.
fn engined<K: Ours>(window: u64, workers: usize) -> Sided<Running<Marked<K>, Changed<K>>> {
    let start = |engine: &Engine, records, out| K::start(engine, secs(window), records, out);
    Sided(Running::start(workers, start, changes_hash))
}

stream!(
    /// The pairs that a batch brings.
    #[batch(secs(1))]
    fn new_pairs<records: Source<Marked<u64>>, out: Sink<Joined<u64>>>(size: Duration) {
        let (left, right) = records.split(|&(is_left, ..)| is_left);
        let left = left.map(|(_, key, record)| (key, record)).window(size, secs(1));
        let right = right.map(|(_, key, record)| (key, record)).window(size, secs(1));
        left.join(right).changes().filter(|(_, times)| *times > 0).map(|(pair, _)| pair).to(out);
    }
);

stream!(
    /// All pairs of the window.
    #[batch(secs(1))]
    fn all_pairs<records: Source<Marked<u64>>, out: Sink<Joined<u64>>>(size: Duration) {
        let (left, right) = records.split(|&(is_left, ..)| is_left);
        let left = left.map(|(_, key, record)| (key, record)).window(size, secs(1));
        let right = right.map(|(_, key, record)| (key, record)).window(size, secs(1));
        left.join(right).to(out);
    }
);

type StartPairs = fn(&Engine, Duration, Queue<u64>, Latest<Joined<u64>>) -> Result<Job, StartError>;

/// A job that delivers pairs, with no word of what went.
fn delivered(start: StartPairs, window: u64, workers: usize) -> Sided<Running<Marked<u64>, Joined<u64>>> {
    let start = |engine: &Engine, records, out| start(engine, secs(window), records, out);
    Sided(Running::start(workers, start, |_, pairs| {
        pairs.iter().map(|(_, (left, right))| joined_hash(*left, *right)).fold(0, u64::wrapping_add)
    }))
}

/// The contenders of a window.
fn entrants<K: Ours + ExchangeData>(window: u64, timed: u64) -> Vec<Entrant<Batch<K>>> {
    let by = |workers, engine, timed, contestant| Entrant { engine, workers, window, timed, contestant };
    let enter = |engine, timed, contestant| by(1, engine, timed, contestant);
    vec![
        enter("symmetric hash join", timed, Box::new(Plain::<K>::new(window)) as Box<dyn Contestant<_>>),
        enter("timely by hand", timed, Box::new(timely::<K>(Plain::new(window), changes_hash))),
        enter("twin, joins the window again", timed.min(10), Box::new(twin::Join::new(window, 1))),
        by(2, "twin, joins the window again", timed.min(10), Box::new(twin::Join::new(window, 2))),
        enter("differential", timed, Box::new(differential::<K>(window))),
        enter("stream", timed, Box::new(engined::<K>(window, 1))),
        by(2, "stream", timed, Box::new(engined::<K>(window, 2))),
    ]
}

type Large = Box<dyn Contestant<Batch<u64>>>;
type Named = (&'static str, Large);

/// The engine in a group of its peers, behind what is written by hand.
fn beside(by_hand: Vec<Named>, start: StartPairs, window: u64, timed: u64) -> Vec<Entrant<Batch<u64>>> {
    let ours = [1, 2].map(|workers| {
        let contestant: Large = Box::new(delivered(start, window, workers));
        ("stream", workers, contestant)
    });
    let by_hand = by_hand.into_iter().map(|(engine, contestant)| (engine, 1, contestant));
    let enter = |(engine, workers, contestant)| Entrant { engine, workers, window, timed, contestant };
    by_hand.chain(ours).map(enter).collect()
}

pub fn run(runs: Runs) -> Vec<Row> {
    let (records, keys, windows, timed): (u64, u64, &[u64], u64) = match runs {
        Runs { quick: true, .. } => (500, 2_000, &[3, 10], 10),
        Runs { brief: true, .. } => (10_000, 100_000, &[10, 100], 20),
        _ => (10_000, 100_000, &[10, 100, 300], 30),
    };
    let mut rows = Vec::new();
    for &window in windows {
        rows.extend(join::<u64>(records, keys, window, timed));
        if !runs.brief {
            rows.extend(join::<String>(records, keys, window, timed));
        }
    }
    rows.extend(large(if runs.quick { 10 } else { LARGE_TIMED }));
    rows.extend(memory(runs));
    rows
}

const LARGE: (u64, u64, u64) = (50_000, 100_000, 10);
const LARGE_TIMED: u64 = 30;

/// A batch of the large join.
pub fn large_batch(number: u64) -> Batch<u64> {
    let (records, keys, _) = LARGE;
    batch(number, records, keys)
}

fn large(timed: u64) -> Vec<Row> {
    let (records, keys, window) = LARGE;
    let mut rows = join::<u64>(records, keys, window, timed);
    let new = |engine: &Engine, size, records, out| engine.start(new_pairs::Ports { records, out, size });
    let timely_by_hand = timely::<u64>(Plain::of_new(window), |_, pairs| changes_hash(0, pairs));
    let by_hand: Vec<(_, Large)> = vec![
        ("symmetric hash join", Box::new(Plain::<u64>::of_new(window))),
        ("timely by hand", Box::new(timely_by_hand)),
    ];
    rows.extend(rows_of("new pairs", records, keys, beside(by_hand, new, window, timed)));
    let all = |engine: &Engine, size, records, out| engine.start(all_pairs::Ports { records, out, size });
    let twin: Vec<(_, Large)> = vec![("twin, joins the window again", Box::new(twin::Join::new(window, 1)))];
    rows.extend(rows_of("contents", records, keys, beside(twin, all, window, 10)));
    rows
}

/// The batch of a number.
fn batch<K: BenchKey>(number: u64, records: u64, keys: u64) -> Batch<K> {
    let side = |side: u64| -> Side<K> {
        let id = |i: u64| (number * records + i) * 2 + side;
        (0..records).map(|i| (K::numbered(mix(id(i)) % keys), id(i))).collect()
    };
    (side(0), side(1))
}

/// In a process of its own: resident memory before the first batch and with a full window.
pub fn held(engine: &str, runs: Runs) -> Vec<u64> {
    let (records, keys, window) = if runs.quick { (500, 2_000, 10) } else { (10_000, 100_000, 100) };
    let mut contestant: Box<dyn Contestant<Batch<u64>>> = match engine {
        "plain" => Box::new(Plain::new(window)),
        _ => Box::new(engined(window, 1)),
    };
    let before = rss_bytes();
    for number in 0..window + 10 {
        contestant.give(batch(number, records, keys));
        contestant.slide();
        contestant.hash();
    }
    vec![before, rss_bytes()]
}

fn memory(runs: Runs) -> Vec<Row> {
    let params = Params::from([("key", "u64".into())]);
    let mega = |engine| {
        let figures = in_child(&["joined", engine], runs);
        (figures[1] as f64 - figures[0] as f64) / 1e6
    };
    let (plain, ours) = (mega("plain"), mega("engine"));
    let row = |what: &str, value, wanted| Row::figure("joins", &params, what.to_owned(), value, wanted);
    vec![
        row("symmetric hash join: MB of a full window of 100", plain, ""),
        row("engine: MB of a full window of 100", ours, ""),
        row("memory of engine / symmetric hash join", ours / plain, "<= 3"),
    ]
}

fn join<K: Ours + ExchangeData>(records: u64, keys: u64, window: u64, timed: u64) -> Vec<Row> {
    rows_of("changes", records, keys, entrants::<K>(window, timed))
}

fn rows_of<K: BenchKey>(
    delivers: &'static str,
    records: u64,
    keys: u64,
    entrants: Vec<Entrant<Batch<K>>>,
) -> Vec<Row> {
    let all = side_by_side(entrants, |number| batch(number, records, keys));
    let params: Params = BTreeMap::from([
        ("delivers", delivers.into()),
        ("key", K::NAME.into()),
        ("keys", keys.into()),
        ("records_a_side", records.into()),
    ]);
    let mut rows: Vec<Row> = all.iter().map(|one| one.row("joins", &params, 2 * records)).collect();
    let ratio = |one: &Timed| {
        let Timed { engine, workers, window, .. } = one;
        let what = format!("time of {engine} ({workers} workers) / {}, window {window}", all[0].engine);
        Row::figure("joins", &params, what, one.mean() / all[0].mean(), "")
    };
    rows.extend(all[1..].iter().map(ratio));
    rows
}
