//! The shapes: pipelines, each with what it means beside it.
//!
//! Records are pairs of small numbers everywhere, so that operators are compiled for few types.

mod batches;
mod joins;
mod loops;
mod mixed;
mod states;
mod windows;

use std::time::Duration;

use streaming_runtime::{Engine, Job, StartError, secs};

use crate::{
    check::{Expected, Inputs},
    drive::Wires,
    model::{Batches, INTERVAL, Pair, Table, Time},
    script::Values,
};

/// What the sources of a shape are: types of ports are compiled, so each shape has those of one kind.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sources {
    /// They send again what a position lies before.
    Replaying,
    /// The same, and they are asked for each batch.
    Paced,
    /// The job's log makes them safe.
    Logged,
}

/// A pipeline and its meaning.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) sources: usize,
    pub(crate) kind: Sources,
    /// How many of the two windows of a script it has.
    pub(crate) windows: usize,
    pub(crate) start: fn(&Engine, &mut Wires, &Values) -> Result<Job, StartError>,
    pub(crate) model: fn(&Inputs<'_>, &mut Expected),
}

pub(crate) static SHAPES: [Shape; 16] = [
    batches::CHAIN,
    windows::BY_KEY,
    windows::INVERSE,
    windows::ORDER,
    windows::COUNTS,
    states::UPDATE_STATE,
    states::MAP_WITH_STATE,
    joins::WINDOW_JOINS,
    joins::LOOKUPS,
    joins::KEPT_JOINS,
    mixed::UNIONS,
    states::HISTORY,
    mixed::NESTED,
    loops::COMPONENTS,
    mixed::SHARED,
    joins::BEHIND_JOINS,
];

/// So many intervals, as a pipeline is given them.
fn time((size, slide): (u64, u64)) -> (Duration, Duration) {
    (secs(size), secs(slide))
}

/// A window of a source as the model computes it.
fn window(batches: &Batches<Pair>, (size, slide): (u64, u64)) -> Table<Pair> {
    batches.window(intervals(size), intervals(slide))
}

fn intervals(n: u64) -> Time {
    n * INTERVAL
}
