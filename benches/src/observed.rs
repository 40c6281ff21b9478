//! What it costs to be seen: jobs that are metered and read ten times a second, beside the same unmetered.
//!
//! Estimate, before the first run. A chunk of 1,024 records passes some three operators: each is logged when it begins
//! and when it ends, and each message when it is sent and when it is taken: 12 events of 60 ns, a look at the clock and an
//! entry of 100 bytes, so 0.7 us a chunk. Its records take 40 us as they go into a window, 400 us as lines of ten words: 2 % and 0.2 %.
//! A snapshot is 10 us, ten times a second nothing. Batches of a thousand records are one chunk each, and the way through the
//! tasks, 30-50 us, is most of what they take; their 20 events more are 3 %.

use std::{collections::BTreeMap, time::Duration};

use streaming_runtime::{Job, Record, StartError, aggregate::sum, prelude::*};

use crate::words::word_count;
use contenders::{
    data,
    driven::{Latest, Running},
    lockstep::{Contestant, Entrant, Timed, digest, side_by_side},
    measure::{Params, Row, Runs, mix},
};

stream!(
    /// What changed in sums of ten batches.
    #[batch(secs(1))]
    fn sums<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        pairs.window(secs(10), secs(1)).aggregate_by_key(sum()).changes().to(out);
    }
);

/// How a job is seen.
#[derive(Clone, Copy)]
struct Seen {
    name: &'static str,
    metered: bool,
    read: bool,
}

const WAYS: [Seen; 3] = [
    Seen { name: "not metered", metered: false, read: false },
    Seen { name: "metered, not read", metered: true, read: false },
    Seen { name: "metered, read 10 times a second", metered: true, read: true },
];

impl Seen {
    /// Starts a job that is seen so.
    fn start(
        self,
        engine: &Engine,
        start: impl FnOnce(&Engine) -> Result<Job, StartError>,
    ) -> Result<Job, StartError> {
        let job = start(&engine.clone().metrics(self.metered))?;
        if self.read {
            let monitor = job.monitor();
            std::thread::spawn(move || {
                while !monitor.has_ended() {
                    std::hint::black_box(monitor.metrics());
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        Ok(job)
    }
}

pub fn run(runs: Runs) -> Vec<Row> {
    let timed = if runs.quick { 20 } else { 200 };
    let mut rows = Vec::new();
    for workers in [1, 2] {
        let lines = data::lines(20, if runs.quick { 20_000 } else { 100_000 });
        let records = lines.iter().map(Vec::len).sum::<usize>() as u64 / lines.len() as u64 * 10;
        let count = |seen: Seen| -> Box<dyn Contestant<Vec<String>>> {
            let start = |engine: &Engine, lines, counts: Latest<(String, i64)>| {
                seen.start(engine, |engine| engine.start(word_count::Ports { lines, counts }))
            };
            Box::new(Running::start(workers, start, |_, counts| added_up(&counts)))
        };
        let batch = |number: u64| lines[number as usize % lines.len()].clone();
        rows.extend(group("word count", records, workers, timed, "<= 1.03", count, batch));

        for (name, records, wanted) in
            [("windowed sum", 100_000, "<= 1.03"), ("windowed sum, small batches", 1_000, "")]
        {
            let records = if runs.quick { records / 5 } else { records };
            let sum = |seen: Seen| -> Box<dyn Contestant<Vec<(u64, i64)>>> {
                let start = |engine: &Engine, pairs, out: Latest<((u64, i64), i64)>| {
                    seen.start(engine, |engine| engine.start(sums::Ports { pairs, out }))
                };
                Box::new(Running::start(workers, start, |kept, changes| {
                    let hash = |(pair, times): &((u64, i64), i64)| digest(pair).wrapping_mul(*times as u64);
                    changes.iter().map(hash).fold(kept, u64::wrapping_add)
                }))
            };
            let batch = |number: u64| {
                let pair = |i| (mix(number * records + i) % records, 1);
                (0..records).map(pair).collect()
            };
            rows.extend(group(name, records, workers, timed, wanted, sum, batch));
        }
    }
    rows
}

fn added_up<T: Record + std::hash::Hash>(records: &[T]) -> u64 {
    records.iter().map(digest).fold(0, u64::wrapping_add)
}

fn group<I>(
    name: &'static str,
    records: u64,
    workers: usize,
    timed: u64,
    wanted: &'static str,
    contestant: impl Fn(Seen) -> Box<dyn Contestant<I>>,
    batch: impl Fn(u64) -> I,
) -> Vec<Row> {
    let params: Params = BTreeMap::from([
        ("pipeline", name.into()),
        ("records_a_batch", records.into()),
        ("workers", workers.into()),
    ]);
    let entrant =
        |seen: Seen| Entrant { engine: seen.name, workers, window: 10, timed, contestant: contestant(seen) };
    let timed = side_by_side(WAYS.map(entrant).into(), batch);
    let mut rows: Vec<Row> = timed.iter().map(|timed| timed.row("observed", &params, records)).collect();
    let ratio = |what: &str, one: &Timed, wanted| {
        let what = format!("{name}, {workers} workers: time of {what} / not metered");
        Row::figure("observed", &params, what, one.median() / timed[0].median(), wanted)
    };
    rows.push(ratio(WAYS[1].name, &timed[1], ""));
    rows.push(ratio(WAYS[2].name, &timed[2], wanted));
    rows
}
