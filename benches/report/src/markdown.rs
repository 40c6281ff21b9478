//! The report's text.

use std::fmt::{Error, Write};

use crate::{
    goals::reached,
    number::{amount, bytes, is_met, mean, short, time},
    plots::Picture,
    rows::{Figure, Group, Row, plain},
    run::{Notes, Peer, WORKLOADS, about, made_by},
    style::{Family, label},
};

/// Parameters that make a column of one table rather than tables of their own.
const COLUMNS: [&str; 3] = ["window", "query", "records_per_s"];

/// All that a report is made of.
pub struct Report<'a> {
    pub notes: &'a Notes,
    pub peers: &'a [Peer],
    /// Names of files with rows.
    pub files: &'a [String],
    pub rows: &'a [Row],
    pub groups: &'a [Group],
    pub pictures: &'a [Picture],
    pub unread: &'a [String],
}

impl Report<'_> {
    pub fn write(&self) -> Result<String, Error> {
        let mut out = String::new();
        writeln!(out, "# What the benches say\n")?;
        self.circumstances(&mut out)?;
        self.goals(&mut out)?;
        Self::reading(&mut out)?;
        let mut workloads: Vec<&str> = Vec::new();
        for row in self.rows {
            if !workloads.contains(&row.workload.as_str()) {
                workloads.push(&row.workload);
            }
        }
        for workload in workloads {
            writeln!(out, "## {workload}\n\n{}\n", about(workload))?;
            if let Some(run) = self.notes.runs.get(made_by(workload)) {
                writeln!(out, "`{}` took {}.\n", run.command, time(run.seconds))?;
            }
            for picture in self.pictures.iter().filter(|picture| picture.workload == workload) {
                writeln!(out, "![{workload}: {}](report/{})\n", picture.caption, picture.file)?;
            }
            self.tables(&mut out, workload)?;
            self.figures(&mut out, workload)?;
        }
        self.runs(&mut out)?;
        Ok(out)
    }

    fn circumstances(&self, out: &mut String) -> Result<(), Error> {
        let Notes { machine, rustc, runs } = self.notes;
        if runs.values().any(|run| run.quick) {
            writeln!(
                out,
                "**Some of it was run with `--quick`: sizes to try the benches out. Those figures mean nothing.**\n"
            )?;
        }
        let known = |what: &str| if what.is_empty() { "not noted".to_owned() } else { what.to_owned() };
        writeln!(out, "- Machine: {}", known(machine))?;
        writeln!(out, "- Built by: {}", known(rustc))?;
        for peer in self.peers {
            let pins = if peer.pins.is_empty() { "see its files".to_owned() } else { peer.pins.join(", ") };
            writeln!(out, "- Peer `{}`: {pins}", peer.name)?;
        }
        writeln!(out, "- All of it: `cargo run --release -p report` (`-- --peers` sets up the peers too)\n")?;
        let failed: Vec<&str> =
            runs.iter().filter(|(_, run)| run.error.is_some()).map(|(name, _)| name.as_str()).collect();
        if !failed.is_empty() {
            writeln!(out, "**Failed, wholly or in part: {}; see [Runs](#runs).**\n", failed.join(", "))?;
        }
        let missing: Vec<&str> = self
            .peers
            .iter()
            .map(|peer| peer.name.as_str())
            .filter(|name| !self.files.iter().any(|file| file == name))
            .collect();
        if !missing.is_empty() {
            writeln!(out, "Peers without a run, and so not compared with: {}.\n", missing.join(", "))?;
        }
        Ok(())
    }

    fn reading(out: &mut String) -> Result<(), Error> {
        writeln!(
            out,
            "## How to read it\n\n\
             - `stream` is this engine, in bold; where it runs in several ways, each has its name, and the first is compared.\n\
             - `plain`, `by hand`, `symmetric hash join`: what one would write for this alone, on one thread.\n\
             - `twin`: the same operators in the micro-batch design, in Rust with the same hash maps (`benches/contenders/src/twin`).\n\
             - `timely`, `differential`: written by hand on the libraries that this engine runs on.\n\
             - `dbsp`, `Flink`, `Spark`: the engines themselves (`benches/peers`).\n\n\
             `ours / its` is 2x where this engine does twice as many records a second (a CPU second) as the one of that \
             row. A spread is of the least and the most of all runs, whose number is in brackets, as are whiskers in plots \
             of bars; there each group has a scale of its own. Memory is what the whole process has, with its input. \
             Engines of a table had the same input, and equal checksums where there are any.\n"
        )
    }

    fn runs(&self, out: &mut String) -> Result<(), Error> {
        writeln!(out, "## Runs\n\n| | command | commit | when | took | |\n|---|---|---|---|---|---|")?;
        let known = WORKLOADS.iter().map(|(name, _)| (*name).to_owned());
        let mut names: Vec<String> = known.chain(self.peers.iter().map(|peer| peer.name.clone())).collect();
        names.extend(self.files.iter().filter(|file| !names.contains(file)).cloned().collect::<Vec<_>>());
        names.extend(self.notes.runs.keys().filter(|run| !names.contains(run)).cloned().collect::<Vec<_>>());
        let mut failed = Vec::new();
        for name in &names {
            let has_rows = self.files.contains(name);
            let Some(run) = self.notes.runs.get(name) else {
                let what = if has_rows { "rows of an unknown run" } else { "not run" };
                writeln!(out, "| {name} | | | | | {what} |")?;
                continue;
            };
            let became = match (&run.error, has_rows) {
                (Some(_), true) => "**FAILED**, with rows up to then",
                (Some(_), false) => "**FAILED**",
                (None, false) => "**WROTE NOTHING**",
                (None, true) if run.quick => "quick",
                (None, true) => "",
            };
            if let Some(error) = &run.error {
                failed.push((name, error));
            }
            let took = time(run.seconds);
            writeln!(
                out,
                "| {name} | `{}` | {} | {} | {took} | {became} |",
                run.command, run.commit, run.when
            )?;
        }
        writeln!(out)?;
        for (name, error) in failed {
            writeln!(out, "`{name}` failed:\n\n```text\n{error}\n```\n")?;
        }
        for line in self.unread {
            writeln!(out, "**Could not be read:** {line}\n")?;
        }
        Ok(())
    }

    fn goals(&self, out: &mut String) -> Result<(), Error> {
        writeln!(
            out,
            "## What is asked, and what was reached\n\nTimes better than others, of whom the best counts: the fastest of \
             their ways, at the interval that suits them best.\n\n\
             | against | reached | asked | |\n|---|---:|---:|---|"
        )?;
        let goals = reached(self.groups);
        for goal in &goals {
            writeln!(
                out,
                "| {} | {} | {} | {} |",
                goal.what,
                goal.value(),
                goal.wanted,
                verdict(goal.is_met())
            )?;
        }
        let wanted: Vec<(&Row, &Figure, bool)> = self
            .rows
            .iter()
            .filter_map(|row| row.figure.as_ref().map(|figure| (row, figure)))
            .filter_map(|(row, figure)| Some((row, figure, is_met(figure.value, &figure.wanted)?)))
            .collect();
        let met = wanted.iter().filter(|(_, _, met)| *met).count();
        writeln!(
            out,
            "\nWithin the benches, which ask for more than the others' best: {met} of {} met.\n",
            wanted.len()
        )?;
        if met < wanted.len() {
            writeln!(out, "<details><summary>not met</summary>\n")?;
            writeln!(out, "| workload | | reached | asked |\n|---|---|---:|---:|")?;
            for (row, figure, _) in wanted.iter().filter(|(_, _, met)| !met) {
                let Figure { what, value, wanted } = figure;
                writeln!(
                    out,
                    "| {} ({}) | {what} | {} | {wanted} |",
                    row.workload,
                    row.params_without(""),
                    short(*value)
                )?;
            }
            writeln!(out, "\n</details>\n")?;
        }
        Ok(())
    }

    fn tables(&self, out: &mut String, workload: &str) -> Result<(), Error> {
        let mut tables: Vec<(String, Option<&str>, Vec<&Group>)> = Vec::new();
        for group in self.groups.iter().filter(|group| group.base().workload == workload) {
            let column = COLUMNS.into_iter().find(|column| group.base().params.contains_key(*column));
            let rest = group.base().params_without(column.unwrap_or_default());
            match tables.iter_mut().find(|(other, of, _)| *other == rest && *of == column) {
                Some((_, _, groups)) => groups.push(group),
                None => tables.push((rest, column, vec![group])),
            }
        }
        for (title, column, groups) in tables {
            writeln!(out, "{}\n", if title.is_empty() { "All:".to_owned() } else { format!("**{title}**") })?;
            let many = column.filter(|_| groups.len() > 1);
            if let Some(column) = many {
                matrix(out, column, &groups)?;
                writeln!(out, "<details><summary>all figures of this</summary>\n")?;
            }
            table(out, column, &groups)?;
            if many.is_some() {
                writeln!(out, "</details>\n")?;
            }
        }
        Ok(())
    }

    fn figures(&self, out: &mut String, workload: &str) -> Result<(), Error> {
        let rows = self.rows.iter().filter(|row| row.workload == workload);
        let figures: Vec<(&Row, &Figure)> =
            rows.filter_map(|row| Some((row, row.figure.as_ref()?))).collect();
        if figures.is_empty() {
            return Ok(());
        }
        writeln!(out, "<details><summary>{} figures</summary>\n", figures.len())?;
        writeln!(out, "| figure | of | value | wanted | |\n|---|---|---|---|---|")?;
        for (row, Figure { what, value, wanted }) in figures {
            let verdict = verdict(is_met(*value, wanted));
            writeln!(
                out,
                "| {what} | {} | {} | {wanted} | {verdict} |",
                row.params_without(""),
                short(*value)
            )?;
        }
        writeln!(out, "\n</details>\n")
    }
}

fn verdict(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "met",
        Some(false) => "**not met**",
        None => "",
    }
}

type Cell = fn(&Row, &Row) -> Option<String>;

/// The columns of a table: what a row says beside the base.
const CELLS: [(&str, Cell); 11] = [
    ("records/s", |row, _| row.records_per_s.map(amount)),
    ("spread", |row, _| spread(row)),
    ("ours / its", |row, base| Some(format!("{}x", short(base.records_per_s? / row.records_per_s?)))),
    ("records per CPU s", |row, _| row.records_per_cpu_s().map(amount)),
    ("ours / its", |row, base| {
        Some(format!("{}x", short(base.records_per_cpu_s()? / row.records_per_cpu_s()?)))
    }),
    ("time", |row, _| row.records_per_s.is_none().then(|| row.seconds.map(time))?),
    ("its / ours", |row, base| {
        let times = row.seconds.zip(base.seconds).filter(|_| row.records_per_s.is_none());
        times.map(|(its, ours)| format!("{}x", short(its / ours)))
    }),
    ("p50", |row, _| row.p50_us.map(|us| time(us / 1e6))),
    ("p99", |row, _| row.p99_us.map(|us| time(us / 1e6))),
    ("p99.9", |row, _| row.p999_us.map(|us| time(us / 1e6))),
    ("memory", |row, _| row.rss_bytes.map(bytes)),
];

fn spread(row: &Row) -> Option<String> {
    let records = row.records? as f64;
    let least = row.runs.iter().copied().reduce(f64::min)?;
    let most = row.runs.iter().copied().reduce(f64::max)?;
    let few = if row.runs.len() < 5 { ", few" } else { "" };
    if row.records_per_s.is_none() {
        return Some(format!("{} - {} ({}{few})", time(least), time(most), row.runs.len()));
    }
    Some(format!("{} - {} ({}{few})", amount(records / most), amount(records / least), row.runs.len()))
}

/// The value of a parameter that has a column.
fn in_column(row: &Row, column: &str) -> String {
    match row.params.get(column) {
        Some(value) if value.is_null() => "as fast as it goes".to_owned(),
        value => value.map(plain).unwrap_or_default(),
    }
}

/// The same of many groups at a glance: a line for each, a column for each engine.
fn matrix(out: &mut String, column: &str, groups: &[&Group]) -> Result<(), Error> {
    let mut engines: Vec<(&str, usize)> = Vec::new();
    for row in groups.iter().flat_map(|group| &group.rows) {
        if !engines.contains(&(&row.engine, row.workers)) {
            engines.push((&row.engine, row.workers));
        }
    }
    let names = engines.iter().map(|(engine, workers)| {
        let name = label(engine, *workers);
        if Family::of(engine) == Family::Ours { format!(" **{name}** |") } else { format!(" {name} |") }
    });
    let rule = "---:|".repeat(engines.len());
    writeln!(out, "| {} |{}\n|---:|{rule}", column.replace('_', " "), names.collect::<String>())?;
    let by_load = column == "records_per_s";
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); engines.len()];
    for group in groups {
        write!(out, "| {} |", in_column(group.base(), column))?;
        for ((engine, workers), ratios) in engines.iter().zip(&mut ratios) {
            let row = group.rows.iter().find(|row| row.engine == *engine && row.workers == *workers);
            let (Some(row), base) = (row, group.base()) else {
                write!(out, " |")?;
                continue;
            };
            let cell = match (row.records_per_s, base.records_per_s, row.p50_us, row.p99_us) {
                _ if group.is_wrong(row) => "**WRONG**".to_owned(),
                (_, _, Some(p50), Some(p99)) if by_load => {
                    let cpu = row.records_per_cpu_s().map(|rate| format!("; {}", time(1.0 / rate)));
                    format!("{} / {}{}", time(p50 / 1e6), time(p99 / 1e6), cpu.unwrap_or_default())
                }
                (Some(rate), Some(_), ..) if std::ptr::eq(row, base) => format!("{}/s", amount(rate)),
                (Some(rate), Some(ours), ..) => {
                    ratios.push(ours / rate);
                    format!("{}/s ({}x)", amount(rate), short(ours / rate))
                }
                _ => String::new(),
            };
            write!(out, " {cell} |")?;
        }
        writeln!(out)?;
    }
    if column == "query" {
        write!(out, "| geometric mean |")?;
        for ratios in &ratios {
            match mean(ratios) {
                Some(mean) => write!(out, " **{}x** |", short(mean))?,
                None => write!(out, " |")?,
            }
        }
        writeln!(out)?;
    }
    let has_cpu = groups.iter().any(|group| group.base().cpu_seconds.is_some());
    let says = match (by_load, has_cpu) {
        (true, true) => "Median / 99th percentile; CPU time of a record.",
        (true, false) => "Median / 99th percentile.",
        (false, _) => "Records a second; in brackets ours / its, ours being the first column.",
    };
    writeln!(out, "\n{says}\n")
}

fn table(out: &mut String, column: Option<&str>, groups: &[&Group]) -> Result<(), Error> {
    let lines = || groups.iter().flat_map(|group| group.rows.iter().map(|row| (group.base(), row)));
    let cells: Vec<&(&str, Cell)> =
        CELLS.iter().filter(|(_, cell)| lines().any(|(base, row)| cell(row, base).is_some())).collect();
    let first = column.map_or(String::new(), |column| format!("| {} ", column.replace('_', " ")));
    let heads: String = cells.iter().map(|(head, _)| format!(" {head} |")).collect();
    let rule = "---:|".repeat(cells.len());
    writeln!(out, "{first}| engine |{heads}\n|{}---|{rule}", if column.is_some() { "---:|" } else { "" })?;
    for group in groups {
        for row in &group.rows {
            if let Some(column) = column {
                write!(out, "| {} ", in_column(row, column))?;
            }
            let name = label(&row.engine, row.workers);
            let is_base = std::ptr::eq(row, group.base()) && Family::of(&row.engine) == Family::Ours;
            write!(out, "| {} |", if is_base { format!("**{name}**") } else { name })?;
            if group.is_wrong(row) {
                let (theirs, ours) = (row.checksum.as_deref(), group.base().checksum.as_deref());
                let sums = format!("{} for {}", theirs.unwrap_or_default(), ours.unwrap_or_default());
                write!(out, " **WRONG RESULT: checksum {sums}; not compared** |")?;
                out.push_str(&" |".repeat(cells.len() - 1));
            } else {
                for (_, cell) in &cells {
                    write!(out, " {} |", cell(row, group.base()).unwrap_or_default())?;
                }
            }
            writeln!(out)?;
        }
    }
    writeln!(out)
}
