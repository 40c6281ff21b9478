//! What the engine is held to against others, computed from rows of different files. Their best counts: the fastest of
//! their ways, at the interval that suits them best.

use crate::{
    number::{is_met, short},
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

const SUM: &[(&str, &str)] = &[
    ("aggregate", "sum with inverse"),
    ("delivers", "contents"),
    ("window", "30"),
    ("key", "u64"),
    ("records_a_batch", "100000"),
];

const GOALS: [Goal; 11] = [
    goal(
        "records per CPU second against DStreams",
        "words",
        &[("words_a_batch", "100000")],
        Family::DStreams,
        By::Cpu,
        ">= 15",
    ),
    goal("records per CPU second against DStreams", "windows", SUM, Family::DStreams, By::Cpu, ">= 80"),
    goal(
        "records per CPU second against DStreams",
        "joins",
        &[("records_a_side", "50000"), ("window", "10")],
        Family::DStreams,
        By::Cpu,
        ">= 30",
    ),
    goal(
        "p99 of DStreams at its best interval / ours",
        "latency",
        &[("load", "open loop over TCP")],
        Family::DStreams,
        By::P99,
        ">= 50",
    ),
    goal("resident memory of ours / DStreams", "resident", &[], Family::DStreams, By::Memory, "<= 0.1"),
    goal("throughput against the twin", "words", &[], Family::Twin, By::Rate, ">= 1"),
    goal("throughput against the twin", "windows", SUM, Family::Twin, By::Rate, ""),
    goal("throughput against timely by hand, keyed", "words", &[], Family::Timely, By::Rate, ">= 0.9"),
    goal("throughput against timely by hand, stateless", "chain", &[], Family::Timely, By::Rate, ">= 0.95"),
    goal("throughput against timely by hand, windowed", "windows", &[], Family::Timely, By::Rate, ">= 0.9"),
    Goal {
        what: "throughput against DBSP, geometric mean over queries",
        workload: "nexmark",
        params: &[],
        theirs: Family::Dbsp,
        by: By::Rate,
        wanted: ">= 1",
        mean: true,
    },
];

/// A goal with what was measured.
pub struct Reached {
    pub what: String,
    pub value: Option<f64>,
    pub wanted: &'static str,
}

impl Reached {
    pub fn is_met(&self) -> Option<bool> {
        is_met(self.value?, self.wanted)
    }

    pub fn value(&self) -> String {
        self.value.map_or("not measured".to_owned(), |value| format!("{}x", short(value)))
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
    let line = |what, value| Reached { what, value, wanted: goal.wanted };
    if ratios.is_empty() {
        return vec![line(format!("{}: {}", goal.workload, goal.what), None)];
    }
    if goal.mean {
        let mean = (ratios.iter().map(|(_, ratio)| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        let what = format!("{}: {}, {} groups", goal.workload, goal.what, ratios.len());
        return vec![line(what, Some(mean))];
    }
    let each = |(group, ratio): (&Group, f64)| {
        line(format!("{}: {} ({})", goal.workload, goal.what, group.base().params_without("")), Some(ratio))
    };
    ratios.into_iter().map(each).collect()
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
