//! What the engine is held to against others, computed from rows of different files. Their best counts: the fastest of
//! their ways, at the interval that suits them best.

use crate::{
    number::{is_met, mean, short},
    rows::{Group, Row, plain},
    style::Family,
};

/// How two engines of a group are compared.
#[derive(Clone, Copy)]
enum By {
    /// Records per CPU second, ours with the fewest workers.
    Cpu,
    /// Records per second, the best of each.
    Rate,
    /// The least 99th percentile of theirs by ours.
    P99,
    /// Resident memory, ours by theirs.
    Memory,
}

struct Goal {
    what: &'static str,
    workload: &'static str,
    /// Only groups with these.
    params: &'static [(&'static str, &'static str)],
    theirs: Family,
    by: By,
    wanted: &'static str,
    /// The geometric mean of all groups instead of one line for each.
    mean: bool,
}

const fn goal(
    what: &'static str,
    workload: &'static str,
    params: &'static [(&'static str, &'static str)],
    theirs: Family,
    by: By,
    wanted: &'static str,
) -> Goal {
    Goal { what, workload, params, theirs, by, wanted, mean: false }
}

const fn mean_of(goal: Goal) -> Goal {
    Goal { mean: true, ..goal }
}

const SUM: &[(&str, &str)] = &[
    ("aggregate", "sum with inverse"),
    ("delivers", "contents"),
    ("window", "30"),
    ("key", "u64"),
    ("records_a_batch", "100000"),
];
const JOIN: &[(&str, &str)] = &[("records_a_side", "50000"), ("window", "10"), ("delivers", "new pairs")];
const OVER_TCP: &[(&str, &str)] = &[("load", "open loop over TCP")];

const GOALS: [Goal; 12] = [
    goal(
        "DStreams, word count of 100k words a batch: records per CPU second",
        "words",
        &[("words_a_batch", "100000")],
        Family::DStreams,
        By::Cpu,
        ">= 15",
    ),
    goal(
        "DStreams, sums with an inverse, window 30: records per CPU second",
        "windows",
        SUM,
        Family::DStreams,
        By::Cpu,
        ">= 80",
    ),
    goal(
        "DStreams, join of 2 x 50k records a batch, window 10: records per CPU second",
        "joins",
        JOIN,
        Family::DStreams,
        By::Cpu,
        ">= 30",
    ),
    goal(
        "DStreams at the smallest interval that keeps up, over TCP: 99th percentile",
        "latency",
        OVER_TCP,
        Family::DStreams,
        By::P99,
        ">= 50",
    ),
    goal("DStreams: resident memory, ours / theirs", "resident", &[], Family::DStreams, By::Memory, "<= 0.1"),
    goal("micro-batch twin, word count: records per second", "words", &[], Family::Twin, By::Rate, ">= 1"),
    mean_of(goal(
        "micro-batch twin, windows, whole contents: records per second",
        "windows",
        &[("delivers", "contents")],
        Family::Twin,
        By::Rate,
        "",
    )),
    goal("timely by hand, word count: records per second", "words", &[], Family::Timely, By::Rate, ">= 0.9"),
    goal(
        "timely by hand, stateless operators: records per second",
        "chain",
        &[],
        Family::Timely,
        By::Rate,
        ">= 0.95",
    ),
    mean_of(goal(
        "timely by hand, windows: records per second",
        "windows",
        &[],
        Family::Timely,
        By::Rate,
        ">= 0.9",
    )),
    goal(
        "timely by hand, join, new pairs: records per second",
        "joins",
        JOIN,
        Family::Timely,
        By::Rate,
        ">= 0.9",
    ),
    mean_of(goal("DBSP, Nexmark: records per second", "nexmark", &[], Family::Dbsp, By::Rate, ">= 1")),
];

/// A goal with what was measured.
pub struct Reached {
    pub what: String,
    pub value: Option<f64>,
    /// The least and the most of what the value is the mean of.
    range: Option<(f64, f64)>,
    pub wanted: &'static str,
}

impl Reached {
    pub fn is_met(&self) -> Option<bool> {
        is_met(self.value?, self.wanted)
    }

    pub fn value(&self) -> String {
        let range = self
            .range
            .map_or(String::new(), |(least, most)| format!(" ({}x to {}x)", short(least), short(most)));
        self.value.map_or("not measured".to_owned(), |value| format!("{}x{range}", short(value)))
    }
}

pub fn reached(groups: &[Group]) -> Vec<Reached> {
    GOALS.iter().flat_map(|goal| one(goal, groups)).collect()
}

fn one(goal: &Goal, groups: &[Group]) -> Vec<Reached> {
    let has = |row: &Row| {
        goal.params.iter().all(|(name, value)| row.params.get(*name).map(plain).as_deref() == Some(value))
    };
    let fits = groups.iter().filter(|group| group.base().workload == goal.workload && has(group.base()));
    let ratios: Vec<(&Group, f64)> = fits.filter_map(|group| Some((group, ratio(goal, group)?))).collect();
    let line = |what: String, value| Reached { what, value, range: None, wanted: goal.wanted };
    if ratios.is_empty() {
        return vec![line(goal.what.to_owned(), None)];
    }
    if goal.mean {
        let what = format!("{}, geometric mean of {}", goal.what, ratios.len());
        let ratios: Vec<f64> = ratios.into_iter().map(|(_, ratio)| ratio).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        return vec![Reached { range: Some((least, most)), ..line(what, mean(&ratios)) }];
    }
    // Where a goal has several groups, what they differ in.
    let differs = |name: &str| {
        let first = ratios[0].0.base().params.get(name);
        ratios.iter().any(|(group, _)| group.base().params.get(name) != first)
    };
    let each = |(group, ratio): &(&Group, f64)| {
        let own = group.base().params.iter().filter(|(name, _)| differs(name));
        let own: Vec<String> =
            own.map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value))).collect();
        let own = if own.is_empty() { String::new() } else { format!(" ({})", own.join(", ")) };
        line(format!("{}{own}", goal.what), Some(*ratio))
    };
    ratios.iter().map(each).collect()
}

fn ratio(goal: &Goal, group: &Group) -> Option<f64> {
    let of = |family: Family| {
        group.rows.iter().filter(move |row| Family::of(&row.engine) == family && !group.is_wrong(row))
    };
    let ours = || of(Family::Ours);
    let theirs = || of(goal.theirs);
    let most = |values: &mut dyn Iterator<Item = f64>| values.max_by(f64::total_cmp);
    let least = |values: &mut dyn Iterator<Item = f64>| values.min_by(f64::total_cmp);
    let first = ours().next()?;
    Some(match goal.by {
        By::Cpu => first.records_per_cpu_s()? / most(&mut theirs().filter_map(Row::records_per_cpu_s))?,
        By::Rate => {
            most(&mut ours().filter_map(|row| row.records_per_s))?
                / most(&mut theirs().filter_map(|row| row.records_per_s))?
        }
        By::P99 => least(&mut theirs().filter_map(|row| row.p99_us))? / first.p99_us?,
        By::Memory => {
            first.rss_bytes? as f64
                / least(&mut theirs().filter_map(|row| row.rss_bytes.map(|bytes| bytes as f64)))?
        }
    })
}
