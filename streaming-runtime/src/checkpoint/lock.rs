//! What a checkpoint says of a program's state, and whether a changed program may go on from it.
//!
//! Each operator that keeps something has an id, and a [`StateShape`]: what it keeps, for how long, of which types.
//! The checkpoint has those of the program that wrote it, and so has `stream.lock`, a text that is committed beside
//! the code: a diff of it is a change of state. [`carry`] compares them with the program's that is to go on.
//!
//! An operator is its id. State whose id is gone, or whose shape the program would misread, is refused by name,
//! until the author says what is to become of it: `.renamed(old, new)` or `.forget(id)`. Nothing is begun anew in silence.
//!
//! # Windows that change
//!
//! What is logged of a window is panes: what a batch took in, by the batch's time `t`, not by slide. The state at time
//! `R` is then the panes with `t > R - span`, and each window that ends at `w >= R` can be cut from them as long as all with
//! `t > w - span` are there.
//!
//! | change | needs of what is before `R` | |
//! |---|---|---|
//! | none of span or slide | | kept |
//! | shorter span | `t > w - new`, which is in `t > R - old` | kept |
//! | a span where there was none | the same: all panes are there | kept |
//! | another slide, same or shorter span | the same: panes are batches, and cut anew | kept |
//! | another slide, where windows did not meet (`slide > span`) | batches between windows were not logged | refused |
//! | longer span, or none | panes before `R - old`, which are gone | refused |
//! | any, of panes beside keys | keys that were made from windows as they were | refused |
//!
//! This holds if operators do as follows. A pane's `until` is its `t + span` or later, whatever the slide. A restored
//! operator takes in all live panes, those too which are too old for its own span, and lets them leave at its next slide as
//! others do: whoever reads what it keeps is told that they are gone.
//!
//! What cannot be seen: that a function does something else now. Its state goes on as it is. That two operators have exchanged
//! their names is seen by how they are made, see `exchanged`.

mod carry;
mod exchanged;
mod names;
mod shape;
mod sources;
mod text;

pub(crate) use carry::{Declared, carry};
pub(crate) use exchanged::{exchanged, mark_of};
pub(crate) use names::short_name;
pub(crate) use shape::{Initial, OperatorState, StateShape};
pub(crate) use sources::carry_sources;
pub(crate) use text::{read_lock, write_lock};

#[cfg(test)]
mod tests;
