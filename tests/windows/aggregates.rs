//! Every aggregate against recomputing it from scratch: per batch, in windows, and over all that ever arrived.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Aggregate, Job, JobError,
    aggregate::{
        count, count_distinct, first, last, max, mean, min, population_variance, sample_variance, sum, top_k,
    },
    connect::{Collected, collect, queue},
    prelude::*,
};

use support::Pair;

/// How many, their sum, the smallest, the largest, their mean, the three largest.
type Six = (i64, i128, i64, i64, f64, Vec<i64>);
/// The first, the last, how many different ones, their variance as a population and as a sample.
type Five = (i64, i64, i64, f64, Option<f64>);

fn six() -> impl Aggregate<i64, Result = Six> {
    (count(), sum().of(|&n: &i64| i128::from(n)), min(), max(), mean(), top_k(3))
}

/// Variances are of small numbers: from scratch, by another formula, those of large ones would be others.
fn five() -> impl Aggregate<i64, Result = Five> {
    let small = |n: &i64| n % 1000;
    (first(), last(), count_distinct(), population_variance().of(small), sample_variance().of(small))
}

stream!(
    #[batch(secs(1))]
    fn integers<
        pairs: Source<Pair>,
        batch_six: Sink<(u8, Six)>,
        batch_five: Sink<(u8, Five)>,
        batch_all: Sink<Six>,
        batch_top: Sink<Vec<Pair>>,
        window_six: Sink<(u8, Six)>,
        window_five: Sink<(u8, Five)>,
        window_all: Sink<Six>,
        window_top: Sink<Vec<Pair>>,
        window_changes: Sink<((u8, Six), i64)>,
        ever_six: Sink<(u8, Six)>,
        ever_five: Sink<(u8, Five)>,
        ever_all: Sink<Six>,
    >(
        size: Duration,
        slide: Duration,
    ) {
        pairs.aggregate_by_key(six()).to(batch_six);
        pairs.aggregate_by_key(five()).to(batch_five);
        pairs.map(|(_, n)| n).aggregate(six()).to(batch_all);
        pairs.top_k(4).to(batch_top);
        let recent = pairs.window(size, slide);
        let by_key = recent.aggregate_by_key(six());
        by_key.to(window_six);
        by_key.changes().to(window_changes);
        recent.aggregate_by_key(five()).to(window_five);
        recent.map(|(_, n)| n).aggregate(six()).to(window_all);
        recent.top_k(4).to(window_top);
        let ever = pairs.history().allow_unbounded("a test ends");
        ever.aggregate_by_key(six()).to(ever_six);
        ever.aggregate_by_key(five()).to(ever_five);
        ever.map(|(_, n)| n).aggregate(six()).to(ever_all);
    }
);

/// Sum, mean, smallest, largest, two largest, variance.
type Floats = (f64, f64, f64, f64, Vec<f64>, f64);

stream!(
    #[batch(secs(1))]
    fn floats<numbers: Source<f64>, out: Sink<Floats>>(size: Duration, slide: Duration) {
        let all = (sum(), mean(), min(), max(), top_k(2), population_variance());
        numbers.window(size, slide).aggregate(all).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn sums<pairs: Source<Pair>, out: Sink<Pair>>(size: Duration, slide: Duration) {
        pairs.window(size, slide).aggregate_by_key(sum()).to(out);
    }
);

fn run(workers: usize, batches: usize, start: impl FnOnce(&Engine) -> Job) -> Result<(), JobError> {
    support::outcome(Engine::new().workers(workers), batches, start)
}

/// The batches of each window that is delivered.
fn windows<T>(batches: &[Vec<T>], size: usize, slide: usize) -> Vec<&[Vec<T>]> {
    let ends = (1..=batches.len()).filter(|end| end % slide == 0);
    let slides = ends.map(|end| &batches[end.saturating_sub(size)..end]);
    // When the source has ended, what windows still hold is delivered as at their next slide.
    let next = batches.len().next_multiple_of(slide);
    let held = batches.get(next.saturating_sub(size)..).filter(|_| next > batches.len());
    slides.chain(held.filter(|held| held.iter().any(|batch| !batch.is_empty()))).collect()
}

fn grouped(batches: &[Vec<Pair>]) -> BTreeMap<u8, Vec<i64>> {
    let mut groups = BTreeMap::<u8, Vec<i64>>::new();
    batches.iter().flatten().for_each(|&(key, value)| groups.entry(key).or_default().push(value));
    groups
}

fn descending<T: Clone + PartialOrd>(values: &[T], k: usize) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort_by(|a, b| b.partial_cmp(a).expect("they compare"));
    values.truncate(k);
    values
}

fn six_of(values: &[i64]) -> Six {
    let sum: i128 = values.iter().map(|&n| i128::from(n)).sum();
    let (min, max) = (values.iter().min().expect("some"), values.iter().max().expect("some"));
    (values.len() as i64, sum, *min, *max, sum as f64 / values.len() as f64, descending(values, 3))
}

/// The sum of squares of distances from the mean, in two passes.
fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|n| (n - mean) * (n - mean)).sum()
}

fn is_close(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + b.abs())
}

type Rows<T> = Vec<BTreeMap<u8, T>>;

/// What a sink got, by key; no key twice.
fn by_key<T: Clone>(collected: &Collected<(u8, T)>) -> Rows<T> {
    let batches = collected.batches().into_iter();
    batches
        .map(|batch| {
            let number = batch.records.len();
            let rows: BTreeMap<u8, T> = batch.records.into_iter().collect();
            assert_eq!(rows.len(), number, "a key is there once");
            rows
        })
        .collect()
}

/// What a sink got of everything, a list of one or of none for each batch.
fn alone<T: Clone>(collected: &Collected<T>) -> Vec<Vec<T>> {
    collected.batches().into_iter().map(|batch| batch.records).collect()
}

fn sixes(windows: &[&[Vec<Pair>]]) -> Rows<Six> {
    let rows = |window: &&[Vec<Pair>]| grouped(window).iter().map(|(key, ns)| (*key, six_of(ns))).collect();
    windows.iter().map(rows).collect()
}

fn six_of_all(windows: &[&[Vec<Pair>]]) -> Vec<Vec<Six>> {
    let all = |window: &&[Vec<Pair>]| window.iter().flatten().map(|pair| pair.1).collect::<Vec<_>>();
    windows.iter().map(all).map(|ns| if ns.is_empty() { vec![] } else { vec![six_of(&ns)] }).collect()
}

fn tops(windows: &[&[Vec<Pair>]]) -> Vec<Vec<Vec<Pair>>> {
    let top = |pairs: Vec<Pair>| if pairs.is_empty() { vec![] } else { vec![descending(&pairs, 4)] };
    windows.iter().map(|window| top(window.concat())).collect()
}

/// With several workers the order within a batch is not defined, so any value of the first batch may be the first.
fn check_fives(got: Rows<Five>, windows: &[&[Vec<Pair>]], workers: usize) {
    assert_eq!(got.len(), windows.len());
    for (got, window) in got.iter().zip(windows) {
        let groups = grouped(window);
        assert!(got.keys().eq(groups.keys()));
        for (key, values) in &groups {
            let (first, last, distinct, population, sample) = got[key];
            if workers == 1 {
                assert_eq!((first, last), (values[0], values[values.len() - 1]));
            } else {
                let mut batches = window.iter().filter(|batch| batch.iter().any(|pair| pair.0 == *key));
                let (oldest, newest) = (batches.next().expect("one has it"), batches.next_back());
                assert!(oldest.contains(&(*key, first)));
                assert!(newest.unwrap_or(oldest).contains(&(*key, last)));
            }
            assert_eq!(distinct as usize, values.iter().collect::<BTreeSet<_>>().len());
            let small: Vec<f64> = values.iter().map(|n| (n % 1000) as f64).collect();
            let (squares, n) = (squares(&small), small.len() as f64);
            assert!(is_close(population, squares / n), "{population} of {small:?}");
            match sample {
                None => assert_eq!(n, 1.0),
                Some(sample) => assert!(is_close(sample, squares / (n - 1.0)), "{sample} of {small:?}"),
            }
        }
    }
}

/// Applies changes, and compares with the contents after each batch.
fn check_changes(changes: &Collected<((u8, Six), i64)>, expected: &Rows<Six>) {
    let mut held = Vec::new();
    // At the end there is a batch if something changes, which may be that the last records go.
    assert!((expected.len().saturating_sub(1)..=expected.len() + 1).contains(&changes.len()));
    for (batch, expected) in changes.batches().into_iter().zip(expected) {
        let (came, went): (Vec<_>, Vec<_>) = batch.records.into_iter().partition(|change| change.1 > 0);
        held.extend(came.into_iter().map(|(row, _)| row));
        for (row, _) in went {
            let place = held.iter().position(|other| *other == row).expect("what goes was there");
            held.swap_remove(place);
        }
        held.sort_by_key(|row| row.0);
        assert!(held.iter().cloned().eq(expected.clone()), "{held:?} is not {expected:?}");
    }
    let unchanged = expected.iter().skip(changes.len());
    unchanged.for_each(|expected| assert!(held.iter().cloned().eq(expected.clone()), "{held:?} is left"));
}

fn float_row(numbers: &[f64]) -> Option<Floats> {
    let n = numbers.len() as f64;
    let mut real: Vec<f64> = numbers.iter().copied().filter(|n| !n.is_nan()).collect();
    real.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    let mut top: Vec<f64> = real.iter().rev().copied().collect();
    top.resize(numbers.len(), f64::NAN);
    top.truncate(2);
    let end = |number: Option<&f64>| number.copied().unwrap_or(f64::NAN);
    let row = (sum, sum / n, end(real.first()), end(real.last()), top, squares(numbers) / n);
    (!numbers.is_empty()).then_some(row)
}

/// Sums of small whole floats are exact in any order; NaN is compared as it is written.
fn check_floats(got: Vec<Vec<Floats>>, windows: &[&[Vec<f64>]]) {
    assert_eq!(got.len(), windows.len());
    for (got, window) in got.iter().zip(windows) {
        let expected = float_row(&window.concat());
        assert_eq!(got.len(), usize::from(expected.is_some()));
        let (Some(mut expected), Some(got)) = (expected, got.first()) else { continue };
        assert!(is_close(got.5, expected.5), "the variance {} of {window:?}", got.5);
        expected.5 = got.5;
        assert_eq!(format!("{got:?}"), format!("{expected:?}"), "of {window:?}");
    }
}

fn run_floats(batches: &[Vec<f64>], size: usize, slide: usize, workers: usize) -> Vec<Vec<Floats>> {
    let (out, got) = collect();
    let (long, step) = (secs(size as u64), secs(slide as u64));
    run(workers, batches.len(), |engine| {
        let ports = floats::Ports { numbers: queue(batches.to_vec()), out, size: long, slide: step };
        engine.start(ports).expect("it starts")
    })
    .expect("it ends well");
    alone(&got)
}

fn pairs(value: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Vec<Pair>>> {
    vec(vec((0..4u8, value), 0..8), 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn aggregates_equal_recomputation(
        batches in pairs(prop_oneof![-3..4i64, any::<i64>(), Just(i64::MAX), Just(i64::MIN)]),
        size in 1..6usize,
        slide in 1..4usize,
        workers in 1..3usize,
    ) {
        let (batch_six, got_batch_six) = collect();
        let (batch_five, got_batch_five) = collect();
        let (batch_all, got_batch_all) = collect();
        let (batch_top, got_batch_top) = collect();
        let (window_six, got_window_six) = collect();
        let (window_five, got_window_five) = collect();
        let (window_all, got_window_all) = collect();
        let (window_top, got_window_top) = collect();
        let (window_changes, got_window_changes) = collect();
        let (ever_six, got_ever_six) = collect();
        let (ever_five, got_ever_five) = collect();
        let (ever_all, got_ever_all) = collect();
        run(workers, batches.len(), |engine| {
            let ports = integers::Ports {
                pairs: queue(batches.clone()),
                batch_six, batch_five, batch_all, batch_top,
                window_six, window_five, window_all, window_top, window_changes,
                ever_six, ever_five, ever_all,
                size: secs(size as u64),
                slide: secs(slide as u64),
            };
            engine.start(ports).expect("it starts")
        }).expect("it ends well");
        let each = windows(&batches, 1, 1);
        prop_assert_eq!(by_key(&got_batch_six), sixes(&each));
        check_fives(by_key(&got_batch_five), &each, workers);
        prop_assert_eq!(alone(&got_batch_all), six_of_all(&each));
        prop_assert_eq!(alone(&got_batch_top), tops(&each));
        let recent = windows(&batches, size, slide);
        prop_assert_eq!(by_key(&got_window_six), sixes(&recent));
        check_changes(&got_window_changes, &sixes(&recent));
        check_fives(by_key(&got_window_five), &recent, workers);
        prop_assert_eq!(alone(&got_window_all), six_of_all(&recent));
        prop_assert_eq!(&alone(&got_window_top)[..recent.len()], tops(&recent));
        let ever = windows(&batches, batches.len(), 1);
        prop_assert_eq!(by_key(&got_ever_six), sixes(&ever));
        check_fives(by_key(&got_ever_five), &ever, workers);
        prop_assert_eq!(alone(&got_ever_all), six_of_all(&ever));
    }

    #[test]
    fn floats_equal_recomputation(
        batches in vec(vec(prop_oneof![
            12 => (-9..10i32).prop_map(f64::from),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
        ], 0..4), 1..12),
        size in 1..5usize,
        slide in 1..3usize,
        workers in 1..3usize,
    ) {
        check_floats(run_floats(&batches, size, slide, workers), &windows(&batches, size, slide));
    }

    /// A sum that is delivered fits or ends the job; what a window passes through on its way does not matter.
    #[test]
    fn sums_near_the_end_of_their_type(
        batches in pairs(prop_oneof![4 => -3..4i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)]),
        size in 1..4usize,
        slide in 1..4usize,
        workers in 1..3usize,
    ) {
        let (out, got) = collect();
        let outcome = run(workers, batches.len(), |engine| {
            let (size, slide) = (secs(size as u64), secs(slide as u64));
            engine.start(sums::Ports { pairs: queue(batches.clone()), out, size, slide }).expect("it starts")
        });
        let expected = sixes(&windows(&batches, size, slide));
        let narrow = |rows: &BTreeMap<u8, Six>| {
            rows.iter().map(|(key, row)| i64::try_from(row.1).ok().map(|sum| (*key, sum))).collect::<Option<_>>()
        };
        match expected.iter().map(narrow).collect::<Option<Rows<i64>>>() {
            Some(expected) => {
                prop_assert!(outcome.is_ok(), "{outcome:?}");
                prop_assert_eq!(by_key(&got), expected);
            }
            None => {
                let error = outcome.expect_err("a sum does not fit").to_string();
                prop_assert_eq!(error, "operator `sums/out/aggregate_by_key` panicked: the sum of i64 overflowed");
            }
        }
    }
}

#[test]
fn what_is_not_finite_is_gone_when_it_has_left_the_window() {
    let batches = [vec![1.0], vec![f64::NAN, f64::INFINITY, 2.0], vec![3.0], vec![5.0], vec![], vec![]];
    for workers in [1, 2] {
        let got = run_floats(&batches, 2, 1, workers);
        assert!(got[1][0].0.is_nan() && got[2][0].1.is_nan() && got[2][0].5.is_nan());
        assert_eq!(got[3], [(8.0, 4.0, 3.0, 5.0, vec![5.0, 3.0], 1.0)]);
        assert_eq!(got[5], [], "an empty window has no result");
    }
}
