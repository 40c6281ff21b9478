//! Contenders that go through the same batches side by side, a few batches at a time each, so that whatever
//! disturbs the machine disturbs all of them. What they keep is compared after every batch.

use std::{hash::Hash, time::Instant};

use foldhash::fast::FixedState;

use crate::measure::{Params, Row, cpu_seconds, mix, thread_cpu_seconds};

/// Something that keeps a result up to date from batch to batch.
pub trait Contestant<I> {
    /// Takes the next batch. Not timed.
    fn give(&mut self, batch: I);
    /// Makes of it what is due. This is timed.
    fn slide(&mut self);
    /// A hash of all that is kept after the slide: one number for contents and for the sum of all changes. Not
    /// timed; called after every slide.
    fn hash(&mut self) -> u64;
}

/// One contestant, and how long it runs.
pub struct Entrant<I> {
    pub engine: &'static str,
    pub workers: usize,
    /// Batches in the window: entrants of the same window must agree.
    pub window: u64,
    /// Batches that are timed, after as many as the window has.
    pub timed: u64,
    pub contestant: Box<dyn Contestant<I>>,
}

/// What came of an entrant.
pub struct Timed {
    pub engine: &'static str,
    pub workers: usize,
    pub window: u64,
    /// Seconds of each timed batch, sorted.
    pub seconds: Vec<f64>,
    /// CPU seconds of all of them, with what is done after a batch was delivered.
    cpu: f64,
    /// Seconds a batch of each turn: how far they are apart.
    turns: Vec<f64>,
    hashes: Vec<u64>,
}

/// Turns that the timed batches of each are split in.
const TURNS: u64 = 10;

/// Timed batches that a row's checksum is of: all entrants and all peers have as many.
const CHECKED: usize = 10;

fn fold(hashes: &[u64]) -> u64 {
    hashes.iter().fold(0, |sum, hash| mix(sum ^ hash))
}

/// Fills the windows, then times the entrants in turn. `batch` makes the batch of a number, always the same.
pub fn side_by_side<I>(mut entrants: Vec<Entrant<I>>, batch: impl Fn(u64) -> I) -> Vec<Timed> {
    let mut all: Vec<Timed> = entrants
        .iter()
        .map(|&Entrant { engine, workers, window, .. }| Timed {
            engine,
            workers,
            window,
            seconds: Vec::new(),
            cpu: 0.0,
            turns: Vec::new(),
            hashes: Vec::new(),
        })
        .collect();
    for entrant in &mut entrants {
        for number in 0..entrant.window {
            entrant.contestant.give(batch(number));
            entrant.contestant.slide();
            entrant.contestant.hash();
        }
    }
    for turn in 1..=TURNS {
        for (entrant, result) in entrants.iter_mut().zip(&mut all) {
            let (cpu, mut aside) = (cpu_seconds(), 0.0);
            let before = result.seconds.len();
            while (result.seconds.len() as u64) < entrant.timed * turn / TURNS {
                let before = thread_cpu_seconds();
                entrant.contestant.give(batch(entrant.window + result.seconds.len() as u64));
                aside += thread_cpu_seconds() - before;
                let started = Instant::now();
                entrant.contestant.slide();
                result.seconds.push(started.elapsed().as_secs_f64());
                let before = thread_cpu_seconds();
                result.hashes.push(entrant.contestant.hash());
                aside += thread_cpu_seconds() - before;
            }
            result.cpu += cpu_seconds() - cpu - aside;
            let turn = &result.seconds[before..];
            if !turn.is_empty() {
                result.turns.push(turn.iter().sum::<f64>() / turn.len() as f64);
            }
        }
    }
    for result in &mut all {
        result.seconds.sort_by(f64::total_cmp);
    }
    for result in &all {
        let first = all.iter().find(|other| other.window == result.window).expect("it is there itself");
        for (number, (one, other)) in result.hashes.iter().zip(&first.hashes).enumerate() {
            let (a, b, window) = (result.engine, first.engine, result.window);
            assert_eq!(one, other, "{a} differs from {b}, window {window}, timed batch {number}");
        }
    }
    all
}

impl Timed {
    /// Seconds a batch on average: what is put off to a later batch is in it.
    pub fn mean(&self) -> f64 {
        self.seconds.iter().sum::<f64>() / self.seconds.len() as f64
    }

    /// Seconds of the batch in the middle: what the machine disturbed is not in it, nor what was put off.
    pub fn median(&self) -> f64 {
        self.seconds[self.seconds.len() / 2]
    }

    /// The average as a row, with the median and the slowest batches beside it.
    pub fn row(&self, workload: &'static str, params: &Params, records: u64) -> Row {
        let at = |q: f64| self.seconds.get(((self.seconds.len() - 1) as f64 * q).round() as usize);
        let micros = |q| at(q).map(|seconds| seconds * 1e6);
        let mut params = params.clone();
        params.insert("window", self.window.into());
        Row {
            workload,
            params,
            engine: self.engine,
            workers: self.workers,
            records: Some(records),
            seconds: Some(self.mean()),
            records_per_s: Some(records as f64 / self.mean()),
            cpu_seconds: Some(self.cpu / self.seconds.len() as f64),
            runs: self.turns.clone(),
            p50_us: micros(0.5),
            p99_us: micros(0.99),
            p999_us: micros(0.999),
            checksum: Some(format!("{:016x}", fold(&self.hashes[..self.hashes.len().min(CHECKED)]))),
            ..Row::default()
        }
    }
}

/// The hash of a record, the same in every contestant.
pub fn digest(record: &impl Hash) -> u64 {
    use std::hash::BuildHasher;
    FixedState::with_seed(11).hash_one(record)
}
