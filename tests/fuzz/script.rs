//! What is done to a job: made of a seed, and made smaller while it still fails.

use serde::{Deserialize, Serialize};

use crate::model::{INTERVAL, Pair, Time};

/// Clocks move by parts of an interval.
pub(crate) const QUARTER: Time = INTERVAL / 4;

/// A run of a shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Script {
    pub(crate) shape: String,
    pub(crate) workers: usize,
    /// Whether batches close early.
    pub(crate) early: bool,
    /// Whether there are checkpoints; without, nothing is started again.
    pub(crate) kept: bool,
    /// Whether the log is compacted all the time.
    #[serde(default)]
    pub(crate) compacts: bool,
    /// How many batches may be on their way.
    #[serde(default = "in_flight")]
    pub(crate) in_flight: usize,
    /// When it begins, in quarters of an interval.
    pub(crate) begin: u64,
    pub(crate) values: Values,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
}

fn in_flight() -> usize {
    8
}

/// What the pipeline is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Values {
    /// Two windows, each by its size and slide in intervals.
    pub(crate) one: (u64, u64),
    pub(crate) other: (u64, u64),
    /// After how many intervals what is idle is forgotten.
    pub(crate) idle: u64,
    pub(crate) initial: Vec<Pair>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Records of each source.
    Send(Vec<Vec<Pair>>),
    /// So many quarters of an interval pass.
    Advance(u64),
    /// The job ends, and begins again after so many quarters of an interval.
    Restart { how: How, workers: usize, away: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum How {
    Stop,
    /// All sources have ended, for the time being.
    Ended,
    /// As a crash of the process, when all is delivered that was due.
    Abort,
    /// As a crash of the machine, in the middle.
    AbortAtOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum End {
    /// The sources end.
    Sources,
    Stop,
}

/// Splitmix64: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// One of the numbers below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn window(&mut self) -> (u64, u64) {
        let slide = 1 + self.below(3);
        let size = match self.below(4) {
            0 => slide,
            1 => slide + 1 + self.below(4),
            2 => 2 * slide,
            _ => 1 + self.below(4),
        };
        (size, slide)
    }

    fn pairs(&mut self, most: u64) -> Vec<Pair> {
        let n = match self.below(8) {
            0..3 => 0,
            7 => self.below(4 * most + 1),
            _ => 1 + self.below(most),
        };
        let keys = 1 + self.below(5);
        let values = if self.once_in(6) { 1000 } else { 5 };
        (0..n).map(|_| (self.below(keys) as u8, self.below(2 * values + 1) as i64 - values as i64)).collect()
    }
}

impl Script {
    /// By how much the windows of a shape slide that has the first so many of the two.
    pub(crate) fn slides(&self, windows: usize) -> Vec<Time> {
        [self.values.one.1, self.values.other.1][..windows].iter().map(|slide| slide * INTERVAL).collect()
    }

    pub(crate) fn random(shape: &str, sources: usize, seed: u64) -> Script {
        let mut random = Random::new(seed);
        let kept = !random.once_in(3);
        let steps = 4 + random.below(24);
        let advance = |random: &mut Random| match random.below(8) {
            0..4 => 4,
            4 => 1 + random.below(12),
            _ => 1 + random.below(3),
        };
        let steps = (0..steps).map(|_| match random.below(if kept { 12 } else { 10 }) {
            0..5 => Step::Send((0..sources).map(|_| random.pairs(6)).collect()),
            5..10 => Step::Advance(advance(&mut random)),
            _ => Step::Restart {
                how: [How::Stop, How::Ended, How::Abort, How::AbortAtOnce][random.below(4) as usize],
                workers: 1 + random.below(3) as usize,
                away: if random.once_in(4) { random.below(20) } else { 0 },
            },
        });
        let steps = steps.collect();
        let initial = if random.once_in(2) { vec![] } else { vec![(1, 100), (7, 200)] };
        Script {
            shape: shape.to_owned(),
            workers: 1 + random.below(3) as usize,
            early: random.once_in(2),
            kept,
            compacts: random.once_in(3),
            in_flight: if random.once_in(3) { 1 } else { in_flight() },
            begin: random.below(24),
            values: Values {
                one: random.window(),
                other: random.window(),
                idle: 1 + random.below(5),
                initial,
            },
            steps,
            end: if random.once_in(3) { End::Stop } else { End::Sources },
        }
    }

    /// Scripts that are smaller in one place, the boldest first.
    pub(crate) fn smaller(&self) -> Vec<Script> {
        let mut smaller = Vec::new();
        let mut with = |change: &dyn Fn(&mut Script)| {
            let mut script = self.clone();
            change(&mut script);
            if script != *self {
                smaller.push(script);
            }
        };
        let n = self.steps.len();
        let mut length = n / 2;
        while length > 0 {
            for at in (0..n).step_by(length) {
                with(&|script| drop(script.steps.drain(at..(at + length).min(n))));
            }
            length /= 2;
        }
        with(&|script| script.workers = 1);
        with(&|script| script.early = false);
        with(&|script| {
            script.kept = false;
            script.steps.retain(|step| !matches!(step, Step::Restart { .. }));
        });
        with(&|script| script.compacts = false);
        with(&|script| script.in_flight = in_flight());
        with(&|script| script.begin = 0);
        with(&|script| script.values.initial.clear());
        with(&|script| script.values.one = (1, 1));
        with(&|script| script.values.other = (1, 1));
        with(&|script| script.end = End::Sources);
        for at in 0..n {
            match &self.steps[at] {
                Step::Restart { .. } => {
                    with(&|script| set_restart(&mut script.steps[at], |how, _, _| *how = How::Stop));
                    with(&|script| set_restart(&mut script.steps[at], |_, workers, _| *workers = 1));
                    with(&|script| set_restart(&mut script.steps[at], |_, _, away| *away = 0));
                }
                Step::Advance(by) => with(&|script| script.steps[at] = Step::Advance(by.div_ceil(8) * 4)),
                Step::Send(sent) => {
                    for (source, records) in sent.iter().enumerate() {
                        with(&|script| set_records(&mut script.steps[at], source, Vec::clear));
                        for record in (0..records.len()).take(8) {
                            with(&|script| {
                                set_records(&mut script.steps[at], source, |all| _ = all.remove(record));
                            });
                        }
                    }
                }
            }
        }
        smaller
    }
}

fn set_restart(step: &mut Step, set: impl FnOnce(&mut How, &mut usize, &mut u64)) {
    if let Step::Restart { how, workers, away } = step {
        set(how, workers, away);
    }
}

fn set_records(step: &mut Step, source: usize, set: impl FnOnce(&mut Vec<Pair>)) {
    if let Step::Send(sent) = step {
        set(&mut sent[source]);
    }
}
