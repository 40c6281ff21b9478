//! Rows, repeated runs in turn, and the table.

use std::{collections::BTreeMap, time::Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// How much to run.
#[derive(Clone, Copy)]
pub struct Runs {
    pub quick: bool,
    /// Not the largest sizes: everything but the crossover is to be done in a quarter of an hour.
    pub brief: bool,
    pub repeat: usize,
    /// Only the groups whose label has this in it, in workloads that have many.
    pub only: Option<&'static str>,
}

impl Runs {
    /// Whether to run the group of this label.
    pub fn wants(self, label: &str) -> bool {
        self.only.is_none_or(|only| label.contains(only))
    }
}

/// What a group of rows was run with.
pub type Params = BTreeMap<&'static str, serde_json::Value>;

/// One line of a result.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    pub workload: &'static str,
    pub params: Params,
    pub engine: &'static str,
    pub workers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Seconds of every run, or of every turn: how far they are apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p999_us: Option<f64>,
    /// Of latencies: quantiles with their microseconds, the whole histogram in a few dozen steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub histogram: Vec<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// A figure that is no time of one engine: what it is, and what is wanted of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
}

/// A ratio of two rows, or bytes of something.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub what: String,
    pub value: f64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub wanted: &'static str,
}

impl Row {
    /// The row with the quantiles of latencies in nanoseconds.
    pub fn with_latencies(self, seen: &Histogram<u64>) -> Row {
        let quantile = |q| Some(seen.value_at_quantile(q) as f64 / 1e3);
        let steps = seen.iter_quantiles(5);
        let histogram =
            steps.map(|step| (step.quantile_iterated_to(), step.value_iterated_to() as f64 / 1e3));
        Row {
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            histogram: histogram.collect(),
            ..self
        }
    }

    /// A row of a figure.
    pub fn figure(
        workload: &'static str,
        params: &Params,
        what: impl Into<String>,
        value: f64,
        wanted: &'static str,
    ) -> Row {
        let figure = Some(Figure { what: what.into(), value, wanted });
        Row { workload, params: params.clone(), figure, ..Row::default() }
    }
}

/// One engine of a group: set-up makes its input, and the returned closure is what is timed.
pub struct Contender<'a> {
    pub engine: &'static str,
    pub workers: usize,
    #[allow(clippy::type_complexity)]
    pub set_up: Box<dyn Fn() -> Box<dyn FnOnce() -> Output> + 'a>,
}

/// What a timed run leaves: its result is summed up after the clock has stopped.
pub type Output = Box<dyn FnOnce() -> u64>;

/// Runs the contenders in turn, `repeat` times, and makes a row of medians for each.
pub fn in_turn(
    workload: &'static str,
    params: Params,
    records: u64,
    runs: Runs,
    contenders: &[Contender<'_>],
) -> Vec<Row> {
    let mut times = vec![Vec::new(); contenders.len()];
    let mut sums = vec![None; contenders.len()];
    let mut rss = vec![0; contenders.len()];
    for _ in 0..runs.repeat {
        for (i, contender) in contenders.iter().enumerate() {
            let run = (contender.set_up)();
            let (cpu, wall) = (cpu_seconds(), Instant::now());
            let output = run();
            times[i].push((wall.elapsed().as_secs_f64(), cpu_seconds() - cpu));
            rss[i] = rss_bytes();
            let sum = output();
            assert_eq!(*sums[i].get_or_insert(sum), sum, "{} differs from run to run", contender.engine);
            assert_eq!(sums[0], sums[i], "{} differs from {}", contender.engine, contenders[0].engine);
        }
    }
    let rows = contenders.iter().zip(times).zip(sums).zip(rss);
    rows.map(|(((contender, mut times), sum), rss)| {
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (seconds, cpu) = times[times.len() / 2];
        Row {
            workload,
            params: params.clone(),
            engine: contender.engine,
            workers: contender.workers,
            records: Some(records),
            seconds: Some(seconds),
            records_per_s: Some(records as f64 / seconds),
            cpu_seconds: Some(cpu),
            runs: times.iter().map(|(seconds, _)| *seconds).collect(),
            rss_bytes: Some(rss),
            checksum: sum.map(|sum| format!("{sum:016x}")),
            ..Row::default()
        }
    })
    .collect()
}

/// Prints a group's rows; throughputs also as ratios to the first row.
pub fn print(rows: &[Row]) {
    let mut last = String::new();
    let mut base = None;
    for row in rows {
        if let Some(Figure { what, value, wanted }) = &row.figure {
            println!("  {} {what:<70} {value:>9.2}  {wanted}", row.workload);
            continue;
        }
        let group = format!("{} {}", row.workload, serde_json::to_string(&row.params).unwrap_or_default());
        if group != last {
            println!("\n{group}");
            println!(
                "  {:<34} {:>7} {:>10} {:>7} {:>8} {:>8} {:>9} {:>9} {:>9}",
                "engine", "workers", "M rec/s", "ratio", "seconds", "cpu s", "p50 us", "p99 us", "p999 us"
            );
            (last, base) = (group, row.records_per_s);
        }
        let number =
            |value: Option<f64>, digits: usize| value.map_or(String::new(), |v| format!("{v:.digits$}"));
        println!(
            "  {:<34} {:>7} {:>10} {:>7} {:>8} {:>8} {:>9} {:>9} {:>9}",
            row.engine,
            row.workers,
            number(row.records_per_s.map(|r| r / 1e6), 2),
            number(row.records_per_s.zip(base).map(|(r, base)| r / base), 2),
            number(row.seconds, 3),
            number(row.cpu_seconds, 4),
            number(row.p50_us, 1),
            number(row.p99_us, 1),
            number(row.p999_us, 1),
        );
    }
}

/// CPU seconds, user and system, of this process so far.
pub fn cpu_seconds() -> f64 {
    seconds_of(ClockId::ProcessCPUTime)
}

/// CPU seconds of this thread so far.
pub fn thread_cpu_seconds() -> f64 {
    seconds_of(ClockId::ThreadCPUTime)
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Nanoseconds of the clock that all processes of the machine share; Java's `System.nanoTime` is the same.
pub fn monotonic_nanos() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Resident memory of this process in bytes.
pub fn rss_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// A strong mix of 64 bits.
pub fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A hash of a text that is easily made in any language.
pub fn mix_text(text: &str) -> u64 {
    text.bytes().fold(7, |hash, byte| mix(hash ^ u64::from(byte)))
}
