//! Rows for the README's table.

use std::fmt::{Error, Write};

use crate::{
    number::{amount, short, time},
    rows::{Group, Row, plain},
    style::{Family, label},
};

type Params = &'static [(&'static str, &'static str)];

/// What the README shows: a title, and the groups that it is of.
const SHOWN: [(&str, &str, Params); 15] = [
    ("word count, 100k words a batch", "words", &[("words_a_batch", "100000")]),
    ("word count, 1M words a batch", "words", &[("words_a_batch", "1000000")]),
    ("five stateless operators", "chain", &[]),
    (
        "sums by key with an inverse, 100k records a batch, a window of 10",
        "windows",
        &[
            ("aggregate", "sum with inverse"),
            ("delivers", "contents"),
            ("key", "u64"),
            ("window", "10"),
            ("records_a_batch", "100000"),
        ],
    ),
    (
        "the same, a window of 30",
        "windows",
        &[
            ("aggregate", "sum with inverse"),
            ("delivers", "contents"),
            ("key", "u64"),
            ("window", "30"),
            ("records_a_batch", "100000"),
        ],
    ),
    (
        "the same, a window of 300",
        "windows",
        &[
            ("aggregate", "sum with inverse"),
            ("delivers", "contents"),
            ("key", "u64"),
            ("window", "300"),
            ("records_a_batch", "100000"),
        ],
    ),
    (
        "the same without an inverse, a window of 30",
        "windows",
        &[
            ("aggregate", "sum by two stacks"),
            ("delivers", "contents"),
            ("key", "u64"),
            ("window", "30"),
            ("records_a_batch", "100000"),
        ],
    ),
    (
        "two windows of 10 joined, 2 x 50k records a batch, new pairs",
        "joins",
        &[("records_a_side", "50000"), ("delivers", "new pairs")],
    ),
    ("the same, the whole window", "joins", &[("records_a_side", "50000"), ("delivers", "contents")]),
    (
        "running count, a million keys",
        "running",
        &[("phase", "all known"), ("key", "u64"), ("keys", "1000000")],
    ),
    (
        "10k lines a second over TCP, counted by key, from when a line was due",
        "latency",
        &[("load", "open loop over TCP"), ("records_per_s", "10000")],
    ),
    ("50k lines a second", "latency", &[("load", "open loop over TCP"), ("records_per_s", "50000")]),
    ("memory of a word count", "resident", &[("pipeline", "word count")]),
    ("memory of a sum, window of 30", "resident", &[("pipeline", "sum with inverse, window 30")]),
    ("Nexmark", "nexmark", &[("events_a_batch", "100000")]),
];

/// The table's rows; what was not measured is not there.
pub fn rows(groups: &[Group]) -> Result<String, Error> {
    let mut out = String::new();
    for (title, workload, params) in SHOWN {
        let has = |row: &Row| {
            params.iter().all(|(name, value)| row.params.get(*name).map(plain).as_deref() == Some(value))
        };
        for group in groups.iter().filter(|group| group.base().workload == workload && has(group.base())) {
            if Family::of(&group.base().engine) != Family::Ours {
                continue;
            }
            let query =
                group.base().params.get("query").map_or(String::new(), |query| format!(" {}", plain(query)));
            writeln!(out, "| {title}{query} | {} | {} |", ours(group), others(group))?;
        }
    }
    Ok(out)
}

/// What a row is good at: its rate, or else its latencies, or else its memory.
fn measure(row: &Row) -> String {
    let latency = |us: f64| time(us / 1e6);
    match (row.records_per_s, row.p50_us, row.p99_us, row.rss_bytes) {
        (Some(rate), ..) => format!("{}/s", amount(rate)),
        (_, Some(p50), Some(p99), _) => format!("{} p50, {} p99", latency(p50), latency(p99)),
        (.., Some(bytes)) => crate::number::bytes(bytes),
        _ => String::new(),
    }
}

fn ours(group: &Group) -> String {
    let ours: Vec<&Row> = group.rows.iter().filter(|row| Family::of(&row.engine) == Family::Ours).collect();
    let name = |row: &&Row| {
        if ours.len() > 1 { format!(" ({})", label(&row.engine, row.workers)) } else { String::new() }
    };
    ours.iter().map(|row| format!("{}{}", measure(row), name(row))).collect::<Vec<_>>().join("; ")
}

/// How much better the base is than each other engine.
fn others(group: &Group) -> String {
    let base = group.base();
    let ratio = |ours: Option<f64>, theirs: Option<f64>| Some(format!("{}x", short(ours? / theirs?)));
    let others = group.rows.iter().filter(|row| Family::of(&row.engine) != Family::Ours);
    let one = |row: &Row| {
        let name = label(&row.engine, row.workers);
        if group.is_wrong(row) {
            return format!("{name}: WRONG RESULT");
        }
        if let Some(by_time) = ratio(base.records_per_s, row.records_per_s) {
            let by_cpu = ratio(base.records_per_cpu_s(), row.records_per_cpu_s());
            return format!(
                "{by_time}{} {name}",
                by_cpu.map_or(String::new(), |by_cpu| format!(" ({by_cpu} by CPU)"))
            );
        }
        if let (Some(p50), Some(p99)) = (ratio(row.p50_us, base.p50_us), ratio(row.p99_us, base.p99_us)) {
            return format!("{name} {p50} p50, {p99} p99");
        }
        let memory = |row: &Row| row.rss_bytes.map(|bytes| bytes as f64);
        ratio(memory(row), memory(base)).map_or(String::new(), |memory| format!("{name} {memory}"))
    };
    others.map(one).collect::<Vec<_>>().join("; ")
}
