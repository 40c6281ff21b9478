//! Sliding windows by DBSP's operator `window`: records are indexed by their batch's number, and what enters and what
//! leaves the window goes on as changes. The changes of a sum, and of a join of two windows.
//!
//! The sum is the weight of a key, which is what DBSP does fastest: a batch's records of a key become one update when
//! the batch is made, and the window's sum is `weighted_count`.
//!
//! Estimate, before the first run. The sum: 100,000 updates sorted, 6 ms; 50,000 updates in and out of the window,
//! sorted by key and met with the sums that were, 100 ns each, 5 ms; as many changed sums out, 5 ms: 15-20 ms a batch on
//! one worker, and a little more with the window, whose levels are merged in the background. The join: a million pairs
//! a batch, sorted, 150 ns each, and 200,000 updates: 200-250 ms.

use std::time::Instant;

use dbsp::{
    OrdIndexedZSet, RootCircuit, Stream, TypedBox,
    dynamic::DynData,
    utils::{Tup2, Tup3},
};
use serde_json::{Value, json};

use crate::{
    circuit::{Changes, Driven, parts},
    data,
    measure::{Measured, RUNS, Report, Run, cpu_seconds, mix, thread_cpu_seconds},
};

/// A batch's number and its records.
type Batch<T> = (u64, Vec<T>);

type Bounds = Stream<RootCircuit, (TypedBox<u64, DynData>, TypedBox<u64, DynData>)>;

/// The window that ends with the batch that was given last.
fn bounds<T: 'static>(batches: &Stream<RootCircuit, Batch<T>>, window: u64) -> Bounds
where
    Batch<T>: Clone,
{
    let mut last = 0;
    batches.apply_mut(move |(number, _): &Batch<T>| {
        // Between batches the input has the default of its type.
        last = last.max(*number);
        (TypedBox::new((last + 1).saturating_sub(window)), TypedBox::new(last + 1))
    })
}

fn sum(window: u64, workers: usize) -> Driven<Batch<(u64, i64)>> {
    let wire = move |circuit: &mut RootCircuit| {
        let (batches, handle) = circuit.add_input_stream::<Batch<(u64, i64)>>();
        let by_batch = batches.apply(|(number, records): &Batch<(u64, i64)>| {
            let records = records.iter().map(|(key, value)| Tup2(Tup2(*number, *key), *value));
            OrdIndexedZSet::<u64, u64>::from_tuples((), records.collect())
        });
        let sums =
            by_batch.window((true, false), &bounds(&batches, window)).map(|(_, key)| *key).weighted_count();
        (handle, sums)
    };
    Driven::new(workers, wire, |key, sum| mix(mix(*key) ^ *sum as u64))
}

/// A record of the left or the right side.
type Marked = (bool, u64, u64);

fn join(window: u64, workers: usize) -> Driven<Batch<Marked>> {
    let wire = move |circuit: &mut RootCircuit| {
        let (batches, handle) = circuit.add_input_stream::<Batch<Marked>>();
        let bounds = bounds(&batches, window);
        let side = |left: bool| {
            let by_batch = batches.apply(move |(number, records): &Batch<Marked>| {
                let records = records.iter().filter(|(is_left, ..)| *is_left == left);
                let records = records.map(|(_, key, record)| Tup2(Tup2(*number, Tup2(*key, *record)), 1));
                OrdIndexedZSet::<u64, Tup2<u64, u64>>::from_tuples((), records.collect())
            });
            by_batch.window((true, false), &bounds).map_index(|(_, Tup2(key, record))| (*key, *record))
        };
        let pairs = side(true).join(&side(false), |key, left, right| Tup3(*key, *left, *right));
        (handle, pairs)
    };
    Driven::new(workers, wire, |Tup3(_, left, right), ()| pair_hash(*left, *right))
}

/// As in `joins` of `benches`.
fn pair_hash(left: u64, right: u64) -> u64 {
    (left.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ right).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// The batches of `benches`' `Pairs`, with keys of numbers.
struct Pairs {
    ids: Vec<u32>,
    records: usize,
}

impl Pairs {
    fn new(keys: usize, records: usize) -> Pairs {
        Pairs { ids: data::zipf(records * 64, keys, 42), records }
    }

    fn batch(&self, number: u64) -> Vec<(u64, i64)> {
        let at = mix(number) as usize % (self.ids.len() - self.records);
        let ids = self.ids[at..at + self.records].iter().zip(0u64..);
        let key = |id: u32| u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ids.map(|(id, i)| (key(*id), (mix(number << 32 | i) % 1000) as i64 + 1)).collect()
    }
}

/// A batch of both sides of a join.
fn sides(number: u64, records: u64, keys: u64) -> Vec<Marked> {
    let side = |side: u64| {
        let id = move |i: u64| (number * records + i) * 2 + side;
        (0..records).map(move |i| (side == 0, mix(mix(id(i)) % keys), id(i)))
    };
    // In turn, so that each worker has a part of both.
    side(0).zip(side(1)).flat_map(|(left, right)| [left, right]).collect()
}

pub fn run(report: &mut Report) -> std::io::Result<()> {
    let (records, windows, timed): (usize, &[u64], u64) = match report.quick {
        true => (5_000, &[3, 10], 10),
        false => (100_000, &[10, 30, 100, 300], 20),
    };
    let pairs = Pairs::new(100_000, records);
    let windows = if report.wants("windows") { windows } else { &[] };
    for &window in windows {
        for workers in [1, 2] {
            let params = json!({
                "aggregate": "sum",
                "delivers": "changes",
                "key": "u64",
                "records_a_batch": records,
                "window": window,
            });
            let circuit = sum(window, workers);
            let group =
                Group { workload: "windows", params, records: records as u64, window, timed, workers };
            group.run(report, circuit, |number| pairs.batch(number))?;
        }
    }
    let (records, keys, windows): (u64, u64, &[u64]) = match report.quick {
        true => (500, 2_000, &[3, 10]),
        false => (50_000, 100_000, &[10]),
    };
    let windows = if report.wants("joins") { windows } else { &[] };
    for &window in windows {
        for workers in [1, 2] {
            let params = json!({
                "delivers": "changes",
                "key": "u64",
                "keys": keys,
                "records_a_side": records,
                "window": window,
            });
            let circuit = join(window, workers);
            let group = Group { workload: "joins", params, records: 2 * records, window, timed, workers };
            group.run(report, circuit, |number| sides(number, records, keys))?;
        }
    }
    Ok(())
}

struct Group {
    workload: &'static str,
    params: Value,
    records: u64,
    window: u64,
    /// Batches of a run.
    timed: u64,
    workers: usize,
}

/// Timed batches that a row's checksum is of, as in `benches`.
const CHECKED: u64 = 10;

impl Group {
    /// Fills the window, then times runs of some batches each.
    fn run<T>(
        self,
        report: &mut Report,
        mut circuit: Driven<Batch<T>>,
        batch: impl Fn(u64) -> Vec<T>,
    ) -> std::io::Result<()>
    where
        Batch<T>: Clone + 'static,
    {
        let Group { workload, params, records, window, timed, workers } = self;
        let input = |number: u64| -> Vec<Batch<T>> {
            parts(batch(number), workers).into_iter().map(|part| (number, part)).collect()
        };
        let mut kept = 0u64;
        let mut keep = |changes: Changes| {
            kept = kept.wrapping_add(changes());
            kept
        };
        for number in 0..window {
            keep(circuit.step(input(number)));
        }
        let (mut runs, mut batches, mut checksum) = (Vec::new(), Vec::new(), 0);
        for number in window..window + RUNS as u64 * timed {
            if (number - window).is_multiple_of(timed) {
                runs.push(Run { seconds: 0.0, cpu_seconds: 0.0 });
            }
            let (cpu, aside) = (cpu_seconds(), thread_cpu_seconds());
            let given = input(number);
            let aside = thread_cpu_seconds() - aside;
            let started = Instant::now();
            let changes = circuit.step(given);
            let seconds = started.elapsed().as_secs_f64();
            let cpu = cpu_seconds() - cpu - aside;
            let run = runs.last_mut().expect("one was begun");
            run.seconds += seconds / timed as f64;
            run.cpu_seconds += cpu / timed as f64;
            batches.push(seconds);
            if number - window < CHECKED {
                checksum = mix(checksum ^ keep(changes));
            }
        }
        circuit.stop();
        report.row(workload, &params, Measured { engine: "dbsp", workers, records, runs, checksum, batches })
    }
}
