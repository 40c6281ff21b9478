//! What a sliding window keeps of one key, brought up to date by what enters and what leaves.
//!
//! A pane enters the window whole and leaves it whole, oldest first, so a key's accumulators are a queue. What the
//! queue makes together is kept in one of three ways, by the algebra of the aggregate:
//!
//! - [`Undone`]: one value a key, where a merge can be undone.
//! - [`TwoStacks`]: for any associative merge, a constant number of merges a pane, whatever the window's length.
//!   (Okasaki's queue, as in "Sliding-window aggregation algorithms", Tangwongsan, Hirzel and Schneider.)
//! - [`Queue`]: the accumulators themselves; whoever asks merges them all. The reference for the other two.
//!
//! DESIGN has a fourth, differential `reduce`, for what is not associative. A window has its panes in order, so a
//! queue does the same with less.

use std::collections::VecDeque;

use super::aggregate::Merge;

/// What is kept of one key.
#[doc(hidden)]
pub trait Upkeep<A>: Default + 'static {
    /// What a pane keeps of a key until it leaves.
    type Leaving: 'static;
    fn enter(&mut self, accumulator: A, how: &impl Merge<A>) -> Self::Leaving;
    /// As `enter`, of what never leaves.
    fn grow(&mut self, accumulator: A, how: &impl Merge<A>);
    fn leave(&mut self, leaving: Self::Leaving, how: &impl Merge<A>);
    /// Whether no pane has the key any more.
    fn is_gone(&self) -> bool;
    /// The window's accumulator; `None` when it has none of the key.
    fn value(&self, how: &impl Merge<A>) -> Option<A>;
}

fn merged<A>(older: Option<A>, newer: A, how: &impl Merge<A>) -> A {
    match older {
        Some(older) => how.merge(older, newer),
        None => newer,
    }
}

#[doc(hidden)]
pub struct TwoStacks<A> {
    /// Suffix merges of the older part: the last is the merge of all of it.
    older: Vec<A>,
    newer: Vec<A>,
    newer_merged: Option<A>,
}

impl<A> Default for TwoStacks<A> {
    fn default() -> Self {
        TwoStacks { older: Vec::new(), newer: Vec::new(), newer_merged: None }
    }
}

impl<A: Clone + 'static> Upkeep<A> for TwoStacks<A> {
    type Leaving = ();

    fn enter(&mut self, accumulator: A, how: &impl Merge<A>) {
        self.grow(accumulator.clone(), how);
        self.newer.push(accumulator);
    }

    fn grow(&mut self, accumulator: A, how: &impl Merge<A>) {
        self.newer_merged = Some(merged(self.newer_merged.take(), accumulator, how));
    }

    fn leave(&mut self, (): (), how: &impl Merge<A>) {
        if self.older.is_empty() {
            self.newer_merged = None;
            while let Some(accumulator) = self.newer.pop() {
                let suffix = match self.older.last() {
                    Some(later) => how.merge(accumulator, later.clone()),
                    None => accumulator,
                };
                self.older.push(suffix);
            }
        }
        self.older.pop();
    }

    fn is_gone(&self) -> bool {
        self.older.is_empty() && self.newer_merged.is_none()
    }

    fn value(&self, how: &impl Merge<A>) -> Option<A> {
        match (self.older.last(), &self.newer_merged) {
            (Some(older), Some(newer)) => Some(how.merge(older.clone(), newer.clone())),
            (older, newer) => older.or(newer.as_ref()).cloned(),
        }
    }
}

/// One value a key, with the panes that it is made of counted.
#[doc(hidden)]
pub struct Undone<A> {
    whole: Option<A>,
    panes: u32,
}

impl<A> Default for Undone<A> {
    fn default() -> Self {
        Undone { whole: None, panes: 0 }
    }
}

impl<A: Clone + 'static> Upkeep<A> for Undone<A> {
    type Leaving = A;

    fn enter(&mut self, accumulator: A, how: &impl Merge<A>) -> A {
        self.grow(accumulator.clone(), how);
        accumulator
    }

    fn grow(&mut self, accumulator: A, how: &impl Merge<A>) {
        self.panes = self.panes.saturating_add(1);
        self.whole = Some(merged(self.whole.take(), accumulator, how));
    }

    fn leave(&mut self, leaving: A, how: &impl Merge<A>) {
        self.panes -= 1;
        self.whole = match self.panes {
            0 => None,
            _ => self.whole.take().map(|whole| how.undo(whole, leaving)),
        };
    }

    fn is_gone(&self) -> bool {
        self.panes == 0
    }

    fn value(&self, _: &impl Merge<A>) -> Option<A> {
        self.whole.clone()
    }
}

/// As [`Undone`], and what the inverse leaves of a key stays when no pane has the key: Spark's meaning.
#[doc(hidden)]
pub struct Lasting<A>(Undone<A>);

impl<A> Default for Lasting<A> {
    fn default() -> Self {
        Lasting(Undone::default())
    }
}

impl<A: Clone + 'static> Upkeep<A> for Lasting<A> {
    type Leaving = A;

    fn enter(&mut self, accumulator: A, how: &impl Merge<A>) -> A {
        self.0.enter(accumulator, how)
    }

    fn grow(&mut self, accumulator: A, how: &impl Merge<A>) {
        self.0.grow(accumulator, how);
    }

    fn leave(&mut self, leaving: A, how: &impl Merge<A>) {
        self.0.panes -= 1;
        self.0.whole = self.0.whole.take().map(|whole| how.undo(whole, leaving));
    }

    fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    fn value(&self, _: &impl Merge<A>) -> Option<A> {
        self.0.whole.clone()
    }
}

#[doc(hidden)]
pub struct Queue<A>(VecDeque<A>);

impl<A> Default for Queue<A> {
    fn default() -> Self {
        Queue(VecDeque::new())
    }
}

impl<A: Clone + 'static> Upkeep<A> for Queue<A> {
    type Leaving = ();

    fn enter(&mut self, accumulator: A, how: &impl Merge<A>) {
        self.0.push_back(accumulator);
        let _ = how;
    }

    fn grow(&mut self, accumulator: A, how: &impl Merge<A>) {
        let whole = merged(self.0.pop_back(), accumulator, how);
        self.0.push_back(whole);
    }

    fn leave(&mut self, (): (), _: &impl Merge<A>) {
        self.0.pop_front();
    }

    fn is_gone(&self) -> bool {
        self.0.is_empty()
    }

    fn value(&self, how: &impl Merge<A>) -> Option<A> {
        self.0.iter().cloned().reduce(|older, newer| how.merge(older, newer))
    }
}
