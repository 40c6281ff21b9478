//! Two stacks of accumulators.

use super::{WindowState, merged};
use crate::{aggregate::Aggregate, record::Record};

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

impl<V, A: Record, G: Aggregate<V, Accumulator = A>> WindowState<V, G> for TwoStacks<A> {
    type Leaving = ();
    const BYTES: usize = size_of::<A>();

    fn enter(&mut self, accumulator: A, how: &G) {
        self.grow(accumulator.clone(), how);
        self.newer.push(accumulator);
    }

    fn grow(&mut self, accumulator: A, how: &G) {
        self.newer_merged = Some(merged(self.newer_merged.take(), accumulator, how));
    }

    fn leave(&mut self, (): (), how: &G) {
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

    fn value(&self, how: &G) -> Option<G::Result> {
        match (self.older.last(), &self.newer_merged) {
            (Some(older), Some(newer)) => Some(how.result(how.merge(older.clone(), newer.clone()))),
            (older, newer) => older.or(newer.as_ref()).map(|one| how.peek(one)),
        }
    }

    fn whole(&self) -> Option<A> {
        self.newer_merged.clone()
    }

    fn put(&mut self, whole: A, _: &G) {
        self.newer_merged = Some(whole);
    }
}
