//! Drawing: panels of lines, with one legend for all, and groups of bars. What is drawn is decided in `plots`.

use std::{error::Error, ops::Range};

use plotters::{
    coord::{
        Shift,
        ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter},
    },
    prelude::*,
    style::{
        FontStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{number::short, style::Family};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<String, Box<dyn Error>>;

const WIDTH: i32 = 960;
const TITLE: i32 = 34;
/// What a letter of the legend is wide, in pixels: nobody knows the reader's font, so a wide one.
const LETTER: i32 = 7;
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(226, 226, 226);
const ALARM: RGBColor = RGBColor(190, 0, 0);

fn text(size: i32, bold: bool, colour: RGBColor, across: HPos) -> TextStyle<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(size) * 1.24, style);
    font.color(&colour).pos(Pos::new(across, VPos::Center))
}

/// One axis: positions and what is written there.
#[derive(Clone)]
pub struct Axis {
    pub label: String,
    pub ticks: Vec<(f64, String)>,
    pub from: f64,
    pub to: f64,
}

impl Axis {
    /// Logarithmic; positions are powers of ten.
    pub fn log(label: &str, values: impl Iterator<Item = f64>, name: fn(f64) -> String) -> Axis {
        let logs: Vec<f64> = values.map(f64::log10).collect();
        let least = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (from, to) = (least - 0.06 * (most - least) - 0.05, most + 0.06 * (most - least) + 0.05);
        let steps: &[f64] = match to - from {
            span if span > 4.5 => &[1.0],
            span if span > 2.2 => &[1.0, 3.0],
            _ => &[1.0, 2.0, 5.0],
        };
        let decades = from.floor() as i32..=to.ceil() as i32;
        let ticks = decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        let ticks = ticks.map(|value| (value.log10(), name(value)));
        let ticks = ticks.filter(|(at, _)| (from..=to).contains(at)).collect();
        Axis { label: label.to_owned(), ticks, from, to }
    }

    /// Logarithmic, with a mark at each value.
    pub fn log_at(label: &str, values: impl Iterator<Item = f64>, name: fn(f64) -> String) -> Axis {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let axis = Axis::log(label, values.iter().copied(), name);
        Axis { ticks: values.iter().map(|value| (value.log10(), name(*value))).collect(), ..axis }
    }

    /// Quantiles with as much room for each further nine: positions are `-log10(1 - q)`.
    pub fn nines(label: &str, most: f64) -> Axis {
        let named = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")];
        let ticks = named.iter().chain(&[(0.9999, "99.99 %"), (0.99999, "99.999 %")]);
        let ticks = ticks.map(|(q, name)| (nines(*q), (*name).to_owned()));
        let ticks = ticks.filter(|(at, _)| *at <= most + 0.01).collect();
        Axis { label: label.to_owned(), ticks, from: 0.0, to: most }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (begin, end): (i32, i32)) -> i32 {
        let part = (value - self.from) / (self.to - self.from);
        begin + (part * f64::from(end - begin)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        short(*value)
    }

    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at == value);
        tick.map_or(String::new(), |(_, name)| name.clone())
    }
}

/// The position of a quantile on an axis of nines.
pub fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-9).log10()
}

/// A line of an engine. Its look follows from its family and from how many of that family come before it.
pub struct Line {
    pub label: String,
    pub family: Family,
    pub points: Vec<(f64, f64)>,
}

pub struct Panel {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
    /// A place of note: a line from top to bottom.
    pub note: Option<f64>,
}

/// The look of a line.
#[derive(Clone, Copy)]
struct Look {
    family: Family,
    variant: usize,
}

impl Look {
    fn width(self) -> u32 {
        if self.family == Family::Ours { 3 } else { 2 }
    }

    /// Pixels that are drawn and left out.
    fn dashes(self) -> Option<(i32, i32)> {
        [None, Some((9, 5)), Some((3, 4)), Some((14, 4))][self.variant % 4]
    }
}

/// All labels of some panels in the order of families, each with its look.
fn legend(panels: &[Panel]) -> Vec<(String, Look)> {
    let mut all: Vec<(String, Look)> = Vec::new();
    for line in panels.iter().flat_map(|panel| &panel.lines) {
        if all.iter().all(|(label, _)| *label != line.label) {
            let variant = all.iter().filter(|(_, look)| look.family == line.family).count();
            all.push((line.label.clone(), Look { family: line.family, variant }));
        }
    }
    all.sort_by_key(|(_, look)| (look.family as u8, look.variant));
    all
}

/// Panels side by side under a title, and a legend of all below them.
pub fn lines(title: &str, panels: &[Panel], with_points: bool) -> Drawn {
    let columns = if panels.len() == 1 { 1 } else { 2 };
    let (width, height) = (WIDTH / columns, if columns == 1 { 380 } else { 310 });
    let legend = legend(panels);
    let rows = legend_rows(&legend);
    let panels_end = TITLE + panels.len().div_ceil(columns as usize) as i32 * height;
    let whole = panels_end + 22 * rows.len() as i32 + 12;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, whole as u32)).into_drawing_area();
        area.fill(&WHITE)?;
        area.draw(&Text::new(title.to_owned(), (16, TITLE / 2 + 2), text(14, true, INK, HPos::Left)))?;
        for (number, panel) in (0..).zip(panels) {
            let (x, y) = (number % columns * width, TITLE + number / columns * height);
            draw_panel(&area.clone().shrink((x, y), (width, height)), panel, &legend, with_points)?;
        }
        for (number, row) in (0..).zip(&rows) {
            let mut x = 24;
            for (label, look) in row {
                draw_entry(&area, (x, panels_end + 12 + 22 * number), label, *look)?;
                x += entry_width(label, *look);
            }
        }
        area.present()?;
    }
    Ok(svg)
}

fn entry_width(label: &str, look: Look) -> i32 {
    let letter = if look.family == Family::Ours { LETTER + 1 } else { LETTER };
    60 + label.chars().count() as i32 * letter
}

/// The legend in lines that fit.
fn legend_rows(legend: &[(String, Look)]) -> Vec<Vec<(String, Look)>> {
    let mut rows: Vec<Vec<(String, Look)>> = vec![Vec::new()];
    let mut used = 24;
    for entry in legend {
        let width = entry_width(&entry.0, entry.1);
        if used + width > WIDTH {
            rows.push(Vec::new());
            used = 24;
        }
        used += width;
        rows.last_mut().expect("there is one").push(entry.clone());
    }
    rows
}

fn draw_entry(area: &Area<'_>, (x, y): (i32, i32), label: &str, look: Look) -> Result<(), Box<dyn Error>> {
    let style = look.family.colour().stroke_width(look.width());
    let path = [(x, y), (x + 34, y)];
    match look.dashes() {
        None => area.draw(&PathElement::new(path, style))?,
        Some((on, off)) => {
            let mut at = x;
            while at < x + 34 {
                area.draw(&PathElement::new([(at, y), ((at + on).min(x + 34), y)], style))?;
                at += on + off;
            }
        }
    }
    let words = text(12, look.family == Family::Ours, INK, HPos::Left);
    area.draw(&Text::new(label.to_owned(), (x + 41, y), words))?;
    Ok(())
}

/// Lines of at most so many letters.
fn wrapped(words: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.len() + 1 + word.len() > letters {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}

fn draw_panel(
    area: &Area<'_>,
    panel: &Panel,
    legend: &[(String, Look)],
    with_points: bool,
) -> Result<(), Box<dyn Error>> {
    let Panel { x, y, .. } = panel;
    let (width, _) = area.dim_in_pixel();
    for (number, line) in (0..).zip(wrapped(&panel.title, (width as i32 / LETTER) as usize)) {
        let place = (width as i32 / 2, 14 + 15 * number);
        area.draw(&Text::new(line, place, text(12, false, INK, HPos::Center)))?;
    }
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_top(40)
        .margin_right(36)
        .x_label_area_size(42)
        .y_label_area_size(66)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(RGBColor(150, 150, 150))
        .label_style(text(11, false, INK, HPos::Center))
        .axis_desc_style(text(11, false, INK, HPos::Center))
        .x_desc(&x.label)
        .y_desc(&y.label)
        .x_labels(x.ticks.len())
        .y_labels(y.ticks.len())
        .draw()?;
    if let Some(at) = panel.note {
        let style = INK.stroke_width(1);
        chart.draw_series(DashedLineSeries::new([(at, y.from), (at, y.to)], 4, 4, style))?;
    }
    // This engine last, over the others.
    let mut lines: Vec<&Line> = panel.lines.iter().collect();
    lines.sort_by_key(|line| line.family == Family::Ours);
    for line in lines {
        let look = legend.iter().find(|(label, _)| *label == line.label).expect("all labels are in it").1;
        let style = look.family.colour().stroke_width(look.width());
        let points = line.points.iter().copied();
        match look.dashes() {
            None => chart.draw_series(LineSeries::new(points.clone(), style))?,
            Some((on, off)) => chart.draw_series(DashedLineSeries::new(points.clone(), on, off, style))?,
        };
        if with_points {
            let size = look.width() as i32 + 1;
            chart.draw_series(points.map(|at| Circle::new(at, size, look.family.colour().filled())))?;
        }
    }
    Ok(())
}

pub struct Bar {
    pub label: String,
    pub family: Family,
    pub value: f64,
    /// What is written behind it.
    pub says: String,
    /// Of all runs, the least and the most.
    pub spread: Option<(f64, f64)>,
    /// Its result is wrong: no bar.
    pub is_wrong: bool,
}

pub struct Bars {
    pub title: String,
    pub bars: Vec<Bar>,
}

/// Groups of bars under each other, each group with a scale of its own from 0.
pub fn bars(title: &str, groups: &[Bars]) -> Drawn {
    const ROW: i32 = 21;
    const HEAD: i32 = 34;
    const LEFT: i32 = 310;
    const ROOM: i32 = 400;
    let rows: i32 = groups.iter().map(|group| HEAD + ROW * group.bars.len() as i32).sum();
    let mut svg = String::new();
    {
        let size = (WIDTH as u32, (TITLE + rows + 14) as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        area.draw(&Text::new(title.to_owned(), (16, TITLE / 2 + 2), text(14, true, INK, HPos::Left)))?;
        let mut y = TITLE;
        for group in groups {
            area.draw(&Text::new(group.title.clone(), (16, y + 20), text(12, true, INK, HPos::Left)))?;
            y += HEAD;
            let values = group.bars.iter().filter(|bar| !bar.is_wrong);
            let most = values.map(|bar| bar.spread.map_or(bar.value, |(_, most)| most.max(bar.value)));
            let most = most.fold(f64::MIN_POSITIVE, f64::max);
            let at = |value: f64| LEFT + (value / most * f64::from(ROOM)).round() as i32;
            for bar in &group.bars {
                let ours = bar.family == Family::Ours;
                let middle = y + ROW / 2;
                let name = text(12, ours, INK, HPos::Right);
                area.draw(&Text::new(bar.label.clone(), (LEFT - 8, middle), name))?;
                if bar.is_wrong {
                    let says = text(12, true, ALARM, HPos::Left);
                    area.draw(&Text::new("WRONG RESULT, not compared", (LEFT + 4, middle), says))?;
                } else {
                    let mut end = at(bar.value).max(LEFT + 1);
                    let colour = bar.family.colour().mix(if ours { 1.0 } else { 0.75 });
                    area.draw(&Rectangle::new([(LEFT, y + 3), (end, y + ROW - 3)], colour.filled()))?;
                    if let Some((least, most)) = bar.spread {
                        let (from, to) = (at(least), at(most));
                        for path in [
                            [(from, middle), (to, middle)],
                            [(from, middle - 4), (from, middle + 4)],
                            [(to, middle - 4), (to, middle + 4)],
                        ] {
                            area.draw(&PathElement::new(path, INK.stroke_width(1)))?;
                        }
                        end = end.max(to);
                    }
                    let says = text(12, ours, INK, HPos::Left);
                    area.draw(&Text::new(bar.says.clone(), (end + 7, middle), says))?;
                }
                y += ROW;
            }
            area.draw(&PathElement::new([(LEFT, y - ROW * group.bars.len() as i32), (LEFT, y)], INK))?;
        }
        area.present()?;
    }
    Ok(svg)
}
