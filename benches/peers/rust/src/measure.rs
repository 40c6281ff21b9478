//! Rows in the shape of those of `benches`, and what they are made of.

use std::{
    fs::File,
    io::{Result, Write},
    path::Path,
};

use cpu_time::{ProcessTime, ThreadTime};
use serde_json::{Map, Value, json};

/// Measured runs, of which the median is reported.
pub const RUNS: usize = 5;

/// How much to run, and where to.
pub struct Report {
    pub quick: bool,
    /// Only the groups whose label has this in it.
    pub only: Option<String>,
    out: File,
}

/// One measured run, or one batch of it on average.
#[derive(Clone, Copy)]
pub struct Run {
    pub seconds: f64,
    pub cpu_seconds: f64,
}

/// What came of an engine in a group.
pub struct Measured {
    pub engine: &'static str,
    pub workers: usize,
    pub records: u64,
    pub runs: Vec<Run>,
    pub checksum: u64,
    /// Seconds of single batches, where each was timed.
    pub batches: Vec<f64>,
}

impl Report {
    pub fn new(path: &Path, quick: bool, only: Option<String>) -> Result<Report> {
        Ok(Report { quick, only, out: File::options().create(true).append(true).open(path)? })
    }

    /// Whether to run the group of this label.
    pub fn wants(&self, label: &str) -> bool {
        self.only.as_ref().is_none_or(|only| label.contains(only))
    }

    /// Writes the row of an engine.
    pub fn row(&mut self, workload: &str, params: &Value, measured: Measured) -> Result<()> {
        let Measured { engine, workers, records, mut runs, checksum, mut batches } = measured;
        let of_runs: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let Run { seconds, cpu_seconds } = runs[runs.len() / 2];
        let mut row = json!({
            "workload": workload,
            "params": params,
            "engine": engine,
            "workers": workers,
            "records": records,
            "seconds": seconds,
            "records_per_s": records as f64 / seconds,
            "cpu_seconds": cpu_seconds,
            "rss_bytes": rss_bytes(),
            "checksum": format!("{checksum:016x}"),
            "runs": of_runs,
        });
        batches.sort_by(f64::total_cmp);
        if let Some(last) = batches.len().checked_sub(1) {
            let row: &mut Map<String, Value> = row.as_object_mut().expect("it was made as one");
            for (name, quantile) in [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)] {
                row.insert(name.into(), json!(batches[(last as f64 * quantile).round() as usize] * 1e6));
            }
        }
        println!(
            "{workload} {params} {engine}, {workers} workers: {:.2} ms, CPU {:.2} ms, {:.2} M records/s, {checksum:016x}",
            seconds * 1e3,
            cpu_seconds * 1e3,
            records as f64 / seconds / 1e6,
        );
        writeln!(self.out, "{row}")
    }
}

/// CPU seconds, user and system, of this process so far.
pub fn cpu_seconds() -> f64 {
    ProcessTime::now().as_duration().as_secs_f64()
}

/// CPU seconds of this thread so far.
pub fn thread_cpu_seconds() -> f64 {
    ThreadTime::now().as_duration().as_secs_f64()
}

fn rss_bytes() -> u64 {
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

/// A hash of a text.
pub fn mix_text(text: &str) -> u64 {
    text.bytes().fold(7, |hash, byte| mix(hash ^ u64::from(byte)))
}
