//! One accumulator, from which what leaves is undone.

use std::num::NonZeroU32;

use super::WindowState;
use crate::{aggregate::Undo, record::Record};

/// One value a key, with the panes that it is made of counted.
#[doc(hidden)]
pub struct InvertibleState<A>(Option<Counted<A>>);

struct Counted<A> {
    whole: A,
    /// One more than there are panes, so that a key without a value takes no more room.
    panes: NonZeroU32,
}

impl<A> Counted<A> {
    const NO_PANES: NonZeroU32 = NonZeroU32::MIN;

    fn grown<V, G: Undo<V, Accumulator = A>>(before: Option<Self>, accumulator: A, how: &G) -> Self {
        let (whole, panes) = match before {
            Some(Counted { whole, panes }) => (how.merge(whole, accumulator), panes),
            None => (accumulator, Self::NO_PANES),
        };
        Counted { whole, panes: panes.saturating_add(1) }
    }

    fn without<V, G: Undo<V, Accumulator = A>>(self, leaving: A, how: &G) -> Self {
        let panes = NonZeroU32::new(self.panes.get() - 1).expect("what leaves was in a pane");
        Counted { whole: how.undo(self.whole, leaving), panes }
    }
}

impl<A> Default for InvertibleState<A> {
    fn default() -> Self {
        InvertibleState(None)
    }
}

impl<V, A: Record, G: Undo<V, Accumulator = A>> WindowState<V, G> for InvertibleState<A> {
    type Leaving = A;
    const BYTES: usize = 0;

    fn enter(&mut self, accumulator: A, how: &G) -> A {
        self.grow(accumulator.clone(), how);
        accumulator
    }

    fn grow(&mut self, accumulator: A, how: &G) {
        self.0 = Some(Counted::grown(self.0.take(), accumulator, how));
    }

    fn leave(&mut self, leaving: A, how: &G) {
        // What the last pane leaves need not be undone.
        let others = self.0.take().filter(|counted| counted.panes.get() > 2);
        self.0 = others.map(|counted| counted.without(leaving, how));
    }

    fn is_gone(&self) -> bool {
        self.0.is_none()
    }

    fn value(&self, how: &G) -> Option<G::Result> {
        self.0.as_ref().map(|counted| how.peek(&counted.whole))
    }

    fn whole(&self) -> Option<A> {
        self.0.as_ref().map(|counted| counted.whole.clone())
    }

    fn put(&mut self, whole: A, _: &G) {
        let panes = self.0.as_ref().map_or(Counted::<A>::NO_PANES.saturating_add(1), |counted| counted.panes);
        self.0 = Some(Counted { whole, panes });
    }
}

/// As [`InvertibleState`], and what the inverse leaves of a key stays when no pane has the key: Spark's meaning.
#[doc(hidden)]
pub struct RetainedState<A>(InvertibleState<A>);

impl<A> Default for RetainedState<A> {
    fn default() -> Self {
        RetainedState(InvertibleState::default())
    }
}

impl<V, A: Record, G: Undo<V, Accumulator = A>> WindowState<V, G> for RetainedState<A> {
    type Leaving = A;
    const BYTES: usize = 0;

    fn enter(&mut self, accumulator: A, how: &G) -> A {
        self.0.enter(accumulator, how)
    }

    fn grow(&mut self, accumulator: A, how: &G) {
        self.0.grow(accumulator, how);
    }

    fn leave(&mut self, leaving: A, how: &G) {
        let InvertibleState(kept) = &mut self.0;
        *kept = kept.take().map(|counted| counted.without(leaving, how));
    }

    fn is_gone(&self) -> bool {
        self.0.0.as_ref().is_none_or(|counted| counted.panes == Counted::<A>::NO_PANES)
    }

    fn value(&self, how: &G) -> Option<G::Result> {
        self.0.value(how)
    }

    fn whole(&self) -> Option<A> {
        self.0.0.as_ref().map(|counted| counted.whole.clone())
    }

    fn put(&mut self, whole: A, _: &G) {
        let panes = self.0.0.as_ref().map_or(Counted::<A>::NO_PANES, |counted| counted.panes);
        self.0 = InvertibleState(Some(Counted { whole, panes }));
    }
}
