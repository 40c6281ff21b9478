//! Which plots are made of which rows.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use crate::{
    number::{amount, round},
    plot::{Axis, Bar, Bars, Line, Panel, bars, lines, nines},
    rows::{Group, Row},
    style::{Family, label},
};

/// Groups of bars that one picture holds.
const GROUPS_A_PICTURE: usize = 6;
/// Panels of lines that one picture holds.
const PANELS_A_PICTURE: usize = 6;

/// A picture that was written, and what to say of it.
pub struct Picture {
    pub workload: String,
    pub file: String,
    pub caption: String,
}

/// Writes all plots that the groups give rise to.
pub fn write(groups: &[Group], directory: &Path) -> Result<Vec<Picture>, Box<dyn Error>> {
    let mut workloads: Vec<&str> = Vec::new();
    for group in groups {
        if !workloads.contains(&group.base().workload.as_str()) {
            workloads.push(&group.base().workload);
        }
    }
    fs::create_dir_all(directory)?;
    // Pictures of an earlier report, of rows that may be no more.
    for old in fs::read_dir(directory)? {
        let old = old?.path();
        if old.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(old)?;
        }
    }
    let mut pictures = Vec::new();
    for workload in workloads {
        let groups: Vec<&Group> = groups.iter().filter(|group| group.base().workload == workload).collect();
        let mut album = Album { directory, workload, pictures: &mut pictures };
        if workload == "crossover" {
            let (cost, latency) = crossover(&groups);
            album.lines("cost", "CPU time a record against load", cost, true)?;
            album.lines("latency", "median latency against load", latency, true)?;
            continue;
        }
        album.bars("throughput", "records a second", throughput(&groups))?;
        album.lines("percentiles", "latency by percentile", curves(&groups), false)?;
        album.lines("cost", "cost against window size", costs(&groups), true)?;
    }
    Ok(pictures)
}

/// Where the pictures of a workload go.
struct Album<'a> {
    directory: &'a Path,
    workload: &'a str,
    pictures: &'a mut Vec<Picture>,
}

impl Album<'_> {
    fn lines(
        &mut self,
        kind: &str,
        what: &str,
        mut panels: Vec<Panel>,
        with_points: bool,
    ) -> Result<(), Box<dyn Error>> {
        let title = self.title(what, panels.iter_mut().map(|panel| &mut panel.title).collect());
        for (number, panels) in panels.chunks(PANELS_A_PICTURE).enumerate() {
            self.save(kind, number, what, &lines(&title, panels, with_points)?)?;
        }
        Ok(())
    }

    fn bars(&mut self, kind: &str, what: &str, mut groups: Vec<Bars>) -> Result<(), Box<dyn Error>> {
        let title = self.title(what, groups.iter_mut().map(|group| &mut group.title).collect());
        for (number, groups) in groups.chunks(GROUPS_A_PICTURE).enumerate() {
            self.save(kind, number, what, &bars(&title, groups)?)?;
        }
        Ok(())
    }

    /// The picture's title has what is common to those of its parts, which lose it.
    fn title(&self, what: &str, mut parts: Vec<&mut String>) -> String {
        let Some(first) = parts.first().filter(|_| parts.len() > 1) else {
            return format!("{}: {what}", self.workload);
        };
        let has = |title: &str, word: &str| title.split(", ").any(|other| other == word);
        let common: Vec<String> = first
            .split(", ")
            .filter(|word| parts.iter().all(|title| has(title, word)))
            .map(str::to_owned)
            .collect();
        for title in &mut parts {
            let own = title.split(", ").filter(|word| !common.iter().any(|common| common == word));
            **title = own.collect::<Vec<_>>().join(", ");
        }
        let common = if common.is_empty() { String::new() } else { format!(" ({})", common.join(", ")) };
        format!("{}: {what}{common}", self.workload)
    }

    fn save(&mut self, kind: &str, number: usize, what: &str, svg: &str) -> Result<(), Box<dyn Error>> {
        let number = if number == 0 { String::new() } else { format!("-{}", number + 1) };
        let file = format!("{}-{kind}{number}.svg", self.workload);
        fs::write(self.directory.join(&file), svg)?;
        let (workload, caption) = (self.workload.to_owned(), what.to_owned());
        self.pictures.push(Picture { workload, file, caption });
        Ok(())
    }
}

/// The groups that have a throughput. Of those that differ in the window only: one in the middle, as `costs` shows all;
/// of those that differ in size, the largest, where there are many.
fn throughput(groups: &[&Group]) -> Vec<Bars> {
    let mut chosen: Vec<&Group> = Vec::new();
    let mut by_rest: BTreeMap<String, Vec<&Group>> = BTreeMap::new();
    for group in groups {
        match group.base().number("window") {
            None => chosen.push(group),
            Some(_) => by_rest.entry(group.base().params_without("window")).or_default().push(group),
        }
    }
    for mut same in by_rest.into_values() {
        same.sort_by(|a, b| {
            a.base().number("window").partial_cmp(&b.base().number("window")).expect("numbers")
        });
        chosen.push(same[(same.len() - 1) / 2]);
    }
    let all = chosen.into_iter().filter_map(|group| {
        let bars: Vec<Bar> = group.rows.iter().filter_map(|row| bar(group, row)).collect();
        let title = group.base().params_without("");
        (!bars.is_empty()).then_some(Bars { title, bars })
    });
    all.collect()
}

fn bar(group: &Group, row: &Row) -> Option<Bar> {
    let value = row.records_per_s?;
    // A wall time of a run is for as many records as the row's.
    let rate = |seconds: &f64| row.records.unwrap_or(0) as f64 / seconds;
    let rates: Vec<f64> = row.runs.iter().filter(|seconds| **seconds > 0.0).map(rate).collect();
    let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rates.iter().copied().fold(0.0, f64::max);
    let cpu = row.records_per_cpu_s().map_or(String::new(), |rate| format!(" ({} a CPU s)", amount(rate)));
    Some(Bar {
        label: label(&row.engine, row.workers),
        family: Family::of(&row.engine),
        value,
        says: format!("{}/s{cpu}", amount(value)),
        spread: (rates.len() > 1).then_some((least, most)),
        is_wrong: group.is_wrong(row),
    })
}

/// A panel for each group that has histograms.
fn curves(groups: &[&Group]) -> Vec<Panel> {
    let panel = |group: &&Group| {
        let rows: Vec<&Row> = group.rows.iter().filter(|row| !row.histogram.is_empty()).collect();
        let most = rows.iter().filter_map(|row| row.records).max().unwrap_or(1_000) as f64;
        let most = most.log10().clamp(2.0, 5.0);
        let line = |row: &&Row| Line {
            label: label(&row.engine, row.workers),
            family: Family::of(&row.engine),
            points: row
                .histogram
                .iter()
                .map(|(quantile, us)| (nines(*quantile).min(most), (us / 1e3).max(1e-4)))
                .map(|(nines, ms)| (nines, ms.log10()))
                .collect(),
        };
        let lines: Vec<Line> = rows.iter().map(line).collect();
        let y =
            Axis::log("ms", lines.iter().flat_map(|line| &line.points).map(|(_, y)| 10f64.powf(*y)), round);
        let x = Axis::nines("percentile", most);
        let title = group.base().params_without("");
        (!lines.is_empty()).then_some(Panel { title, x, y, lines, note: None })
    };
    groups.iter().filter_map(panel).collect()
}

/// A panel for each set of groups that differ in the window only.
fn costs(groups: &[&Group]) -> Vec<Panel> {
    let mut by_rest: Vec<(String, Vec<&Group>)> = Vec::new();
    for group in groups.iter().filter(|group| group.base().number("window").is_some()) {
        let rest = group.base().params_without("window");
        match by_rest.iter_mut().find(|(other, _)| *other == rest) {
            Some((_, same)) => same.push(group),
            None => by_rest.push((rest, vec![group])),
        }
    }
    let panel = |(title, groups): (String, Vec<&Group>)| {
        let right = groups.iter().flat_map(|group| group.rows.iter().filter(|row| !group.is_wrong(row)));
        let lines = lines_of(right, |row| Some((row.number("window")?, row.seconds? * 1e3)));
        drawn(title, ("batches in the window", "ms a batch"), lines, None)
    };
    by_rest.into_iter().filter(|(_, groups)| groups.len() > 1).filter_map(panel).collect()
}

/// A line for each engine, of logarithms, of what `point` says of its rows.
fn lines_of<'a>(
    rows: impl Iterator<Item = &'a Row>,
    point: impl Fn(&Row) -> Option<(f64, f64)>,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let Some((x, y)) = point(row).filter(|(x, y)| *x > 0.0 && *y > 0.0) else { continue };
        let (name, at) = (label(&row.engine, row.workers), (x.log10(), y.log10()));
        match lines.iter_mut().find(|line| line.label == name) {
            Some(line) => line.points.push(at),
            None => lines.push(Line { label: name, family: Family::of(&row.engine), points: vec![at] }),
        }
    }
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

fn drawn(title: String, (x, y): (&str, &str), lines: Vec<Line>, note: Option<f64>) -> Option<Panel> {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    all().next()?;
    let x = Axis::log_at(x, all().map(|(x, _)| 10f64.powf(x).round()), round);
    let y = Axis::log(y, all().map(|(_, y)| 10f64.powf(y)), round);
    Some(Panel { title, x, y, lines, note })
}

/// Panels of CPU time a record and of latencies against load, for each interval of the twin.
fn crossover(groups: &[&Group]) -> (Vec<Panel>, Vec<Panel>) {
    let mut by_rest: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in groups.iter().flat_map(|group| &group.rows) {
        by_rest.entry(row.params_without("records_per_s")).or_default().push(row);
    }
    let mut all: Vec<(String, Vec<&Row>)> = by_rest.into_iter().collect();
    let interval = |rows: &[&Row]| rows[0].number("interval_ms").unwrap_or(0.0);
    all.sort_by(|a, b| interval(&a.1).total_cmp(&interval(&b.1)));
    let mut panels = (Vec::new(), Vec::new());
    for (title, rows) in all {
        let cost =
            |row: &Row| Some((row.number("records_per_s")?, 1e6 * row.cpu_seconds? / row.records? as f64));
        let lines = lines_of(rows.iter().copied(), cost);
        let (note, says) = crossing(&lines).unwrap_or_default();
        let axes = ("records a second", "us of CPU a record");
        panels.0.extend(drawn(format!("{title}{says}"), axes, lines, note));
        let median = |row: &Row| Some((row.number("records_per_s")?, row.p50_us? / 1e3));
        let lines = lines_of(rows.iter().copied(), median);
        panels.1.extend(drawn(title, ("records a second", "ms, median"), lines, None));
    }
    panels
}

/// Where this engine begins to cost more than the twin, on straight lines of logarithms between loads, and what to say of
/// it.
fn crossing(lines: &[Line]) -> Option<(Option<f64>, String)> {
    let of = |family: Family| lines.iter().find(|line| line.family == family);
    let (ours, twin) = (of(Family::Ours)?, of(Family::Twin)?);
    let both: Vec<(f64, f64)> = ours
        .points
        .iter()
        .filter_map(|(x, y)| {
            let other = twin.points.iter().find(|(other, _)| (other - x).abs() < 1e-9)?;
            Some((*x, y - other.1))
        })
        .collect();
    both.first()?;
    if both.iter().all(|(_, more)| *more <= 0.0) {
        return Some((None, ": this engine costs less at every load".to_owned()));
    }
    if both.iter().all(|(_, more)| *more > 0.0) {
        return Some((None, ": micro-batch costs less at every load".to_owned()));
    }
    let Some(pair) = both.windows(2).rfind(|pair| pair[0].1 <= 0.0 && pair[1].1 > 0.0) else {
        return Some((None, ": micro-batch costs less at the lowest loads only".to_owned()));
    };
    let ((x0, d0), (x1, d1)) = (pair[0], pair[1]);
    let at = x0 + (x1 - x0) * -d0 / (d1 - d0);
    Some((Some(at), format!(": micro-batch costs less from {}/s", amount(10f64.powf(at)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(family: Family, points: &[(f64, f64)]) -> Line {
        Line { label: String::new(), family, points: points.to_vec() }
    }

    #[test]
    fn lines_cross_where_ours_begins_to_cost_more() {
        let twin = line(Family::Twin, &[(1.0, 2.0), (2.0, 1.0), (3.0, 0.0)]);
        let ours = || line(Family::Ours, &[(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)]);
        let (at, _) = crossing(&[ours(), twin]).expect("there is one");
        assert_eq!(at, Some(2.0));
        let twin = line(Family::Twin, &[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]);
        let (_, says) = crossing(&[ours(), twin]).expect("there is something to say");
        assert_eq!(says, ": this engine costs less at every load");
    }

    #[test]
    fn a_title_has_what_is_common() {
        let album = Album { directory: Path::new(""), workload: "windows", pictures: &mut Vec::new() };
        let (mut one, mut other) = ("key u64, window 10".to_owned(), "key u64, window 30".to_owned());
        assert_eq!(album.title("cost", vec![&mut one, &mut other]), "windows: cost (key u64)");
        assert_eq!([one, other], ["window 10", "window 30"]);
    }
}
