//! The table of `docs/PERFORMANCE.md`: a line for each thing that matters, and of each kind of engine its best.

use std::fmt::{Error, Write};

use crate::{
    number::{amount, bytes, mean, short, time},
    rows::{Group, Row, plain},
    run,
    style::{Family, label},
};

type Params = &'static [(&'static str, &'static str)];

/// What the table shows: a title, and the group that it is of.
const SHOWN: [(&str, &str, Params); 18] = [
    ("word count, 100k words a batch", "words", &[("words_a_batch", "100000")]),
    ("word count, 1M words a batch", "words", &[("words_a_batch", "1000000")]),
    ("five stateless operators", "chain", &[]),
    ("sums by key of 100k records a batch, with an inverse, window of 10", "windows", &sum("10")),
    ("the same, window of 30", "windows", &sum("30")),
    ("the same, window of 100", "windows", &sum("100")),
    ("the same, window of 300", "windows", &sum("300")),
    ("the same without an inverse, window of 10", "windows", &stacks("10")),
    ("the same without an inverse, window of 30", "windows", &stacks("30")),
    (
        "two windows of 10 joined, 2 x 50k records a batch, new pairs",
        "joins",
        &[("records_a_side", "50000"), ("delivers", "new pairs")],
    ),
    (
        "the same, changes of the whole join",
        "joins",
        &[("records_a_side", "50000"), ("delivers", "changes"), ("key", "u64")],
    ),
    (
        "running count, a million keys, 100k records a batch",
        "running",
        &[("phase", "all known"), ("key", "u64"), ("keys", "1000000")],
    ),
    ("10k lines a second over TCP, counted by key, from when a line was due", "latency", &tcp("10000")),
    ("50k lines a second", "latency", &tcp("50000")),
    ("start of a process to its first output", "startup", &[]),
    ("memory of a word count", "resident", &[("pipeline", "word count")]),
    ("memory of a sum, window of 30", "resident", &[("pipeline", "sum with inverse, window 30")]),
    ("Nexmark, 10k events a batch", "nexmark", &[("events_a_batch", "10000")]),
];

const fn tcp(rate: &'static str) -> [(&'static str, &'static str); 2] {
    [("load", "open loop over TCP"), ("records_per_s", rate)]
}

const fn sum(window: &'static str) -> [(&'static str, &'static str); 5] {
    windows("sum with inverse", window)
}

const fn stacks(window: &'static str) -> [(&'static str, &'static str); 5] {
    windows("sum by two stacks", window)
}

const fn windows(aggregate: &'static str, window: &'static str) -> [(&'static str, &'static str); 5] {
    [
        ("aggregate", aggregate),
        ("window", window),
        ("delivers", "contents"),
        ("key", "u64"),
        ("records_a_batch", "100000"),
    ]
}

/// A figure that the table shows: a title, the workload, a parameter, and what the figure is called.
const RECOVERY: (&str, &str, (&str, &str), &str) = (
    "first output after a crash, a million keys in the checkpoint",
    "checkpoint",
    ("recovery of keys", "1000000"),
    "first output after, seconds, median",
);

/// The table; what was not measured is not there.
pub fn table(groups: &[Group], rows: &[Row]) -> Result<String, Error> {
    let mut out =
        String::from("| workload | this engine | times better than | made by |\n|---|---|---|---|\n");
    for (title, workload, params) in SHOWN {
        let fits = |group: &&Group| {
            let row = group.base();
            row.workload == workload
                && params
                    .iter()
                    .all(|(name, value)| row.params.get(*name).map(plain).as_deref() == Some(value))
                && Family::of(&row.engine) == Family::Ours
        };
        let groups: Vec<&Group> = groups.iter().filter(fits).collect();
        let Some(group) = groups.first() else { continue };
        if workload == "startup"
            && let Some(line) = recovery(rows)
        {
            writeln!(out, "{line}")?;
        }
        let (this, others) = match workload {
            "nexmark" => over_queries(&groups),
            _ => (of(group, Family::Ours).map_or(String::new(), ours), others(group)),
        };
        writeln!(out, "| {title} | {this} | {others} | {} |", command(workload))?;
    }
    Ok(out)
}

fn command(workload: &str) -> String {
    let arguments = run::arguments(workload, false, false);
    format!("`cargo {}`", arguments.join(" ").trim_end_matches(" --"))
}

fn recovery(rows: &[Row]) -> Option<String> {
    let (title, workload, (name, value), what) = RECOVERY;
    let fits =
        |row: &&Row| row.workload == workload && row.params.get(name).map(plain).as_deref() == Some(value);
    let figure = rows.iter().filter(fits).filter_map(|row| row.figure.as_ref()).find(|it| it.what == what)?;
    Some(format!("| {title} | {} | | {} |", time(figure.value), command(workload)))
}

/// What of a row is compared: how good it is, the more the better.
fn good(row: &Row) -> Option<f64> {
    row.records_per_s
        .or(row.p99_us.map(|us| 1.0 / us))
        .or(row.seconds.map(|seconds| 1.0 / seconds))
        .or(row.rss_bytes.map(|bytes| 1.0 / bytes as f64))
}

/// The best of a kind of engines, of those with the right result.
fn of(group: &Group, family: Family) -> Option<&Row> {
    let rows = group.rows.iter().filter(|row| Family::of(&row.engine) == family && !group.is_wrong(row));
    rows.filter(|row| good(row).is_some()).max_by(|a, b| good(a).partial_cmp(&good(b)).expect("numbers"))
}

/// What a row is good at: its rate, or else its latencies, its time, or its memory.
fn ours(row: &Row) -> String {
    let workers = if row.workers > 1 { format!(", {} workers", row.workers) } else { String::new() };
    match (row.records_per_s, row.p50_us, row.p99_us, row.seconds, row.rss_bytes) {
        (Some(rate), ..) => format!("{}/s{workers}", amount(rate)),
        (_, Some(p50), Some(p99), ..) => format!("{} p50, {} p99", time(p50 / 1e6), time(p99 / 1e6)),
        (.., Some(seconds), _) => time(seconds),
        (.., Some(memory)) => bytes(memory),
        _ => String::new(),
    }
}

/// How much better ours is than the best of each other kind; of rates that of CPU seconds in brackets, each at its best.
fn others(group: &Group) -> String {
    let Some(best) = of(group, Family::Ours) else { return String::new() };
    let cpu = |family: Family| {
        let rows = group.rows.iter().filter(|row| Family::of(&row.engine) == family && !group.is_wrong(row));
        rows.filter_map(Row::records_per_cpu_s).max_by(f64::total_cmp)
    };
    let one = |row: &Row| {
        let ratio = |ours: f64, theirs: f64| format!("{}x", short(ours / theirs));
        let times = match (best.p50_us.zip(row.p50_us), best.p99_us.zip(row.p99_us)) {
            (Some((ours, theirs)), Some((ours99, theirs99))) if row.records_per_s.is_none() => {
                format!("{} p50, {} p99", ratio(theirs, ours), ratio(theirs99, ours99))
            }
            _ => ratio(good(best)?, good(row)?),
        };
        let by_cpu =
            cpu(Family::Ours).zip(cpu(Family::of(&row.engine))).filter(|_| row.records_per_s.is_some());
        let by_cpu =
            by_cpu.map_or(String::new(), |(ours, theirs)| format!(" ({} by CPU)", ratio(ours, theirs)));
        Some(format!("{}: {times}{by_cpu}", label(&row.engine, row.workers)))
    };
    let mut families: Vec<Family> = Vec::new();
    for row in &group.rows {
        let family = Family::of(&row.engine);
        if family != Family::Ours && !families.contains(&family) {
            families.push(family);
        }
    }
    families.into_iter().filter_map(|family| one(of(group, family)?)).collect::<Vec<_>>().join("; ")
}

/// The range of our rates, and of ratios to each other kind of engine the mean, the least and the most.
fn over_queries(groups: &[&Group]) -> (String, String) {
    let best = |group: &&Group| of(group, Family::Ours).and_then(|row| row.records_per_s);
    let rates: Vec<f64> = groups.iter().filter_map(best).collect();
    let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let this = format!("{} queries, {} to {}/s", rates.len(), amount(least(&rates)), amount(most(&rates)));
    let mut others = Vec::new();
    for (family, name) in [(Family::ByHand, "plain loop"), (Family::Dbsp, "DBSP")] {
        let ratio = |group: &&&Group| Some(best(group)? / of(group, family)?.records_per_s?);
        let ratios: Vec<f64> = groups.iter().filter_map(|group| ratio(&group)).collect();
        if let Some(mean) = mean(&ratios) {
            let [mean, least, most] = [mean, least(&ratios), most(&ratios)].map(short);
            let of = ratios.len();
            others.push(format!(
                "{name}: {mean}x, geometric mean of {of} queries, {least}x least, {most}x most"
            ));
        }
    }
    (this, others.join("; "))
}
