//! How soon a process has its first batch out, and what memory it holds: each figure of a process of its own that
//! does nothing else, with the allocator set to give memory back at once. Other engines do the same in `benches/peers`,
//! with the smallest heap that they start with.
//!
//! Estimate, before the first run: a process starts in 2 ms, reads 0.9 MB of lines in 1 ms and counts 100,000 words in
//! 8 ms: 15 ms. It holds 4 MB of program, four batches of input (words 5 MB, pairs 7 MB), a batch in work and one
//! delivered, 2 MB each, and what the allocator keeps: 25 MB of words. The window of 30 holds 100,000 slots by 80
//! bytes and 30 panes of 25,000 keys by 16 bytes: 12 + 12 MB more.

use std::{
    fs,
    io::{Result, Write},
    path::Path,
    time::Instant,
};

use crate::{export, words};
use benches_windows::windows;
use contenders::{
    child::{in_child, in_child_with},
    data,
    lockstep::Contestant,
    measure::{Params, Row, Runs, mix, rss_bytes},
    pairs::Pairs,
};

const RECORDS: usize = 100_000;
/// The allocator keeps nothing for later: the peers have the smallest heap that they start with.
const GIVES_BACK: &[(&str, &str)] = &[("MIMALLOC_PURGE_DELAY", "0")];
/// Batches that are held as input and go round.
const HELD: usize = 4;

pub fn run(runs: Runs) -> Vec<Row> {
    let mut rows = vec![startup(runs)];
    let batches = if runs.quick { 50 } else { 200 };
    // What makes the input is not in the process that is measured.
    let input = tempfile::tempdir().expect("a directory");
    let path = input.path().to_string_lossy();
    write_input(input.path()).expect("it is written");
    for (task, pipeline) in [("words", "word count"), ("sums", "sum with inverse, window 30")] {
        let figures = in_child_with(GIVES_BACK, &["resident", task, &path], runs);
        let [checksum, rss] = figures[..] else { panic!("the child says two figures") };
        rows.push(Row {
            workload: "resident",
            params: Params::from([
                ("pipeline", pipeline.into()),
                ("records_a_batch", RECORDS.into()),
                ("batches", batches.into()),
            ]),
            engine: "stream",
            workers: 1,
            records: Some((batches * RECORDS) as u64),
            rss_bytes: Some(rss),
            checksum: Some(format!("{checksum:016x}")),
            ..Row::default()
        });
    }
    rows
}

/// From the start of a process to its end, which is just behind its first output.
fn startup(runs: Runs) -> Row {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for line in &data::lines(1, RECORDS)[0] {
        writeln!(file, "{line}").expect("it is written");
    }
    let path = file.path().to_string_lossy();
    let mut all: Vec<(f64, Vec<u64>)> = (0..runs.repeat)
        .map(|_| {
            let started = Instant::now();
            let figures = in_child(&["startup", &path], runs);
            (started.elapsed().as_secs_f64(), figures)
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, figures) = &all[all.len() / 2];
    Row {
        workload: "startup",
        params: Params::from([("words_a_batch", RECORDS.into())]),
        engine: "stream",
        workers: 1,
        records: Some(RECORDS as u64),
        seconds: Some(*seconds),
        rss_bytes: Some(figures[1]),
        checksum: Some(format!("{:016x}", figures[0])),
        ..Row::default()
    }
}

/// In a process of its own: the checksum of the first batch, and resident memory.
pub fn first_batch(path: &str) -> Vec<u64> {
    let text = fs::read_to_string(path).expect("the lines");
    let mut job = words::driven();
    job.give(text.lines().map(str::to_owned).collect());
    job.slide();
    let rss = rss_bytes();
    vec![mix(job.hash()), rss]
}

fn write_input(directory: &Path) -> Result<()> {
    for (number, lines) in (0..).zip(data::lines(HELD, RECORDS)) {
        export::batch(directory, "words", number, lines)?;
    }
    let pairs = Pairs::new(100_000, RECORDS);
    (0..HELD as u64).try_for_each(|number| {
        export::batch(directory, "sums", number, export::fields(pairs.batch::<u64>(number)))
    })
}

fn read_input<T>(directory: &str, what: &str, record: impl Fn(&str) -> T) -> Vec<Vec<T>> {
    let batch = |number| {
        let path = Path::new(directory).join(what).join(export::name_of(number));
        fs::read_to_string(path).expect("it was written").lines().map(&record).collect()
    };
    (0..HELD as u64).map(batch).collect()
}

/// In a process of its own: the sum of the last batch, and resident memory.
pub fn held(what: &str, input: &str, runs: Runs) -> Vec<u64> {
    let batches = if runs.quick { 50 } else { 200 };
    let pair = |line: &str| {
        let (key, value) = line.split_once(' ').expect("a key and a value");
        (key.parse::<u64>().expect("a number"), value.parse::<i64>().expect("a number"))
    };
    match what {
        "words" => go_round(words::driven(), &read_input(input, what, str::to_owned), batches),
        _ => go_round(windows::driven_sums(30), &read_input(input, what, pair), batches),
    }
}

fn go_round<T: Clone>(mut job: impl Contestant<Vec<T>>, input: &[Vec<T>], batches: usize) -> Vec<u64> {
    let mut last = 0;
    for batch in input.iter().cycle().take(batches) {
        job.give(batch.clone());
        job.slide();
        last = job.hash();
    }
    vec![last, rss_bytes()]
}
