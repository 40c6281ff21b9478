//! The state of one key in a sliding window, kept up to date by what enters and leaves.
//!
//! A pane enters the window whole and leaves it whole, oldest first, so the accumulators of a key are a queue. The sum of the queue is
//! stored in one of three ways, by the algebra of the aggregate:
//!
//! - [`InvertibleState`]: one value a key, where a merge can be undone.
//! - [`TwoStacks`]: for any associative merge, a constant number of merges a pane, whatever the window's length.
//!   (Okasaki's queue, as in "Sliding-window aggregation algorithms", Tangwongsan, Hirzel and Schneider.)
//! - [`Queue`]: the accumulators themselves, merged at each delivery. The reference for the other two.
//!
//! In a tuple of aggregates each part is stored in its own way: a count as one number, beside a maximum in two stacks.
//!
//! An aggregate that is not associative needs no differential `reduce`: a window has its panes in order, so a queue does the
//! same with less.

mod invertible;
mod two_stacks;

use std::collections::VecDeque;

pub use invertible::{InvertibleState, RetainedState};
pub use two_stacks::TwoStacks;

use super::Aggregate;
use crate::record::Record;

/// What is kept of one key.
#[doc(hidden)]
pub trait WindowState<V, G: Aggregate<V>>: Default + 'static {
    /// What a pane keeps of a key until it leaves.
    type Leaving: 'static;
    /// Bytes that it keeps itself of what a pane has of a key.
    const BYTES: usize;
    /// Whether what is kept of something that never leaves is all that came.
    const HAS_ALL: bool = false;
    fn enter(&mut self, accumulator: G::Accumulator, how: &G) -> Self::Leaving;
    /// As `enter`, of what never leaves.
    fn grow(&mut self, accumulator: G::Accumulator, how: &G);
    fn leave(&mut self, leaving: Self::Leaving, how: &G);
    /// Whether no pane has the key any more.
    fn is_gone(&self) -> bool;
    /// The window's result; `None` when it has none of the key.
    fn value(&self, how: &G) -> Option<G::Result>;
    /// What is kept besides what leaves, where something may never leave.
    fn whole(&self) -> Option<G::Accumulator>;
    /// Puts that back.
    fn put(&mut self, whole: G::Accumulator, how: &G);
}

fn merged<V, G: Aggregate<V>>(
    older: Option<G::Accumulator>,
    newer: G::Accumulator,
    how: &G,
) -> G::Accumulator {
    match older {
        Some(older) => how.merge(older, newer),
        None => newer,
    }
}

#[doc(hidden)]
pub struct Queue<A>(VecDeque<A>);

impl<A> Default for Queue<A> {
    fn default() -> Self {
        Queue(VecDeque::new())
    }
}

impl<V, A: Record, G: Aggregate<V, Accumulator = A>> WindowState<V, G> for Queue<A> {
    type Leaving = ();
    const BYTES: usize = size_of::<A>();
    const HAS_ALL: bool = true;

    fn enter(&mut self, accumulator: A, how: &G) {
        self.0.push_back(accumulator);
        let _ = how;
    }

    fn grow(&mut self, accumulator: A, how: &G) {
        let whole = merged(self.0.pop_back(), accumulator, how);
        self.0.push_back(whole);
    }

    fn leave(&mut self, (): (), _: &G) {
        self.0.pop_front();
    }

    fn is_gone(&self) -> bool {
        self.0.is_empty()
    }

    fn value(&self, how: &G) -> Option<G::Result> {
        let whole = self.0.iter().cloned().reduce(|older, newer| how.merge(older, newer));
        whole.map(|whole| how.result(whole))
    }

    fn whole(&self) -> Option<A> {
        self.0.back().cloned()
    }

    fn put(&mut self, whole: A, _: &G) {
        self.0 = [whole].into();
    }
}

#[cfg(test)]
mod tests;
