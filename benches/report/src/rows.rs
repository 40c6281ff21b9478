//! What benches and peers have written: one JSON object a line, in the shape of `Row` in `benches/contenders/src/measure.rs`.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::Deserialize;
use serde_json::Value;

/// What a group was run with.
pub type Params = BTreeMap<String, Value>;

/// One line of a result.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Row {
    pub workload: String,
    #[serde(default)]
    pub params: Params,
    #[serde(default)]
    pub engine: String,
    #[serde(default)]
    pub workers: usize,
    pub records: Option<u64>,
    pub seconds: Option<f64>,
    pub records_per_s: Option<f64>,
    pub cpu_seconds: Option<f64>,
    /// Seconds of every run.
    #[serde(default)]
    pub runs: Vec<f64>,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    pub p999_us: Option<f64>,
    /// Quantiles and their microseconds.
    #[serde(default)]
    pub histogram: Vec<(f64, f64)>,
    pub rss_bytes: Option<u64>,
    pub checksum: Option<String>,
    pub figure: Option<Figure>,
}

/// A figure that is no time of one engine.
#[derive(Clone, Debug, Deserialize)]
pub struct Figure {
    pub what: String,
    pub value: f64,
    #[serde(default)]
    pub wanted: String,
}

impl Row {
    /// Records that a second of CPU time does.
    pub fn records_per_cpu_s(&self) -> Option<f64> {
        let cpu = self.cpu_seconds.filter(|cpu| *cpu > 0.0)?;
        Some(self.records? as f64 / cpu)
    }

    /// A number among the parameters.
    pub fn number(&self, param: &str) -> Option<f64> {
        self.params.get(param)?.as_f64()
    }

    /// The parameters but `without`, as one text.
    pub fn params_without(&self, without: &str) -> String {
        let rest = self.params.iter().filter(|(name, _)| *name != without);
        rest.map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn is_run_of(&self, other: &Row) -> bool {
        self.figure.is_none()
            && other.figure.is_none()
            && (&self.workload, &self.engine, self.workers) == (&other.workload, &other.engine, other.workers)
            && self.checksum == other.checksum
            && self.params == other.params
    }
}

/// A value without quotes.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Adds the rows of a file; returns what could not be read.
pub fn read(path: &Path, rows: &mut Vec<Row>) -> io::Result<Vec<String>> {
    let mut unread = Vec::new();
    for (line, text) in (1..).zip(fs::read_to_string(path)?.lines()) {
        match serde_json::from_str::<Row>(text) {
            Ok(row) => rows.push(row),
            Err(error) => unread.push(format!("{}, line {line}: {error}", path.display())),
        }
    }
    Ok(unread)
}

/// Makes one row of those that are runs of the same, each in a process of its own: the one in the middle.
pub fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut kinds: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        match kinds.iter_mut().find(|kind| row.is_run_of(&kind[0])) {
            Some(kind) => kind.push(row),
            None => kinds.push(vec![row]),
        }
    }
    let one = |mut kind: Vec<Row>| {
        if kind.len() == 1 {
            return kind.remove(0);
        }
        let seconds = |row: &Row| row.seconds.unwrap_or(0.0);
        kind.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        let each = |row: &Row| if row.runs.is_empty() { vec![seconds(row)] } else { row.runs.clone() };
        let runs = kind.iter().flat_map(each).filter(|seconds| *seconds > 0.0).collect();
        Row { runs, ..kind.swap_remove(kind.len() / 2) }
    };
    kinds.into_iter().map(one).collect()
}

/// Rows of equal work: of one workload with equal parameters.
pub struct Group {
    /// The first is what others are compared with: this engine's with the fewest workers, if it is there.
    pub rows: Vec<Row>,
}

impl Group {
    /// What others are compared with.
    pub fn base(&self) -> &Row {
        &self.rows[0]
    }

    /// Whether a row's result is another one than that of the base.
    pub fn is_wrong(&self, row: &Row) -> bool {
        matches!((&self.base().checksum, &row.checksum), (Some(ours), Some(theirs)) if ours != theirs)
    }
}

/// The groups of rows that are no figures, in the order in which they were run.
pub fn groups(rows: &[Row]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows.iter().filter(|row| row.figure.is_none()) {
        let same = |group: &&mut Group| {
            let base = group.base();
            base.workload == row.workload && base.params == row.params
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.rows.push(row.clone()),
            None => groups.push(Group { rows: vec![row.clone()] }),
        }
    }
    for group in &mut groups {
        group.rows.sort_by_key(|row| {
            let ours = crate::style::Family::of(&row.engine) == crate::style::Family::Ours;
            (!ours, if ours { row.workers } else { 0 })
        });
    }
    groups
}
