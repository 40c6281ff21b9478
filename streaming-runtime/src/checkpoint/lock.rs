//! How a checkpoint describes a program's state, and whether a changed program may go on from it.
//!
//! Each stateful operator has an id and a [`StateShape`]: what it stores, for how long, of which types. The checkpoint has those of the
//! program that wrote it, and so has `stream.lock`, a text that is committed beside the code: a diff of it is a change of state. [`carry`]
//! compares them with those of the program that should go on.
//!
//! An operator is identified by its id. State whose id is gone, or whose shape the program would misread, is refused by name, until the
//! author declares what should happen to it: `.renamed(old, new)` or `.forget(id)`. Nothing begins anew silently.
//!
//! # Windows that change
//!
//! A window logs panes: the input of a batch, by the batch's time `t`, not by slide. The state at time `R` consists of the panes with
//! `t > R - span`. A window that ends at `w >= R` can be cut from them if all panes with `t > w - span` are there.
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
