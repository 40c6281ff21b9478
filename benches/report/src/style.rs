//! How engines are told apart: a colour for each family, the same in all plots; this engine strong, others muted.

use plotters::style::RGBColor;

/// Engines of one kind. Variants of one differ in dashes and marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Ours,
    ByHand,
    Twin,
    Timely,
    Differential,
    Dbsp,
    Dfir,
    DStreams,
    Structured,
    Flink,
    Other,
}

/// How names begin. What the benches call this engine when it is run in several ways is its own too.
const NAMES: [(&str, Family); 24] = [
    ("stream", Family::Ours),
    ("engine", Family::Ours),
    ("in the runtime", Family::Ours),
    ("own thread", Family::Ours),
    ("pushed", Family::Ours),
    ("no checkpoints", Family::Ours),
    ("delivered", Family::Ours),
    ("plain", Family::ByHand),
    ("symmetric hash join", Family::ByHand),
    ("append and sync", Family::ByHand),
    ("one map", Family::ByHand),
    ("recompute", Family::ByHand),
    ("by hand", Family::ByHand),
    ("hand", Family::ByHand),
    ("twin", Family::Twin),
    ("micro-batch", Family::Twin),
    ("timely", Family::Timely),
    ("differential", Family::Differential),
    ("dbsp", Family::Dbsp),
    ("dfir", Family::Dfir),
    ("spark dstreams", Family::DStreams),
    ("dstreams", Family::DStreams),
    ("spark structured", Family::Structured),
    ("flink", Family::Flink),
];

impl Family {
    pub fn of(engine: &str) -> Family {
        let engine = engine.to_lowercase();
        let found = NAMES.iter().find(|(start, _)| engine.starts_with(start));
        found.map_or(Family::Other, |(_, family)| *family)
    }

    pub fn colour(self) -> RGBColor {
        match self {
            Family::Ours => RGBColor(0, 82, 204),
            Family::ByHand => RGBColor(125, 125, 125),
            Family::Twin => RGBColor(232, 140, 20),
            Family::Timely => RGBColor(0, 158, 142),
            Family::Differential => RGBColor(106, 168, 79),
            Family::Dbsp => RGBColor(142, 68, 173),
            Family::Dfir => RGBColor(92, 107, 192),
            Family::DStreams => RGBColor(200, 55, 45),
            Family::Structured => RGBColor(229, 134, 152),
            Family::Flink => RGBColor(140, 90, 43),
            Family::Other => RGBColor(60, 60, 60),
        }
    }
}

/// An engine's name with its workers, where they are more than one and the name does not say it.
pub fn label(engine: &str, workers: usize) -> String {
    match workers {
        0 | 1 => engine.to_owned(),
        _ if engine.contains("workers") => engine.to_owned(),
        n => format!("{engine}, {n} workers"),
    }
}
