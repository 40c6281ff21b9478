//! The state of one key in a sliding window, kept up to date by what enters and leaves.
//!
//! A pane enters the window whole and leaves it whole, oldest first, so the accumulators of a key are a queue. The sum of the queue is
//! stored in one of three ways, by the algebra of the aggregate:
//!
//! - [`Undone`]: one value a key, where a merge can be undone.
//! - [`TwoStacks`]: for any associative merge, a constant number of merges a pane, whatever the window's length.
//!   (Okasaki's queue, as in "Sliding-window aggregation algorithms", Tangwongsan, Hirzel and Schneider.)
//! - [`Queue`]: the accumulators themselves, merged at each delivery. The reference for the other two.
//!
//! In a tuple of aggregates each part is stored in its own way: a count as one number, beside a maximum in two stacks.
//!
//! An aggregate that is not associative needs no differential `reduce`: a window has its panes in order, so a queue does the
//! same with less.

use std::{collections::VecDeque, num::NonZeroU32};

use crate::{
    operators::aggregate::{Aggregate, Of, Undo},
    record::Record,
};

/// What is kept of one key.
#[doc(hidden)]
pub trait Upkeep<V, G: Aggregate<V>>: Default + 'static {
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

impl<V, A: Record, G: Aggregate<V, Accumulator = A>> Upkeep<V, G> for TwoStacks<A> {
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

/// One value a key, with the panes that it is made of counted.
#[doc(hidden)]
pub struct Undone<A>(Option<Counted<A>>);

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

impl<A> Default for Undone<A> {
    fn default() -> Self {
        Undone(None)
    }
}

impl<V, A: Record, G: Undo<V, Accumulator = A>> Upkeep<V, G> for Undone<A> {
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

/// As [`Undone`], and what the inverse leaves of a key stays when no pane has the key: Spark's meaning.
#[doc(hidden)]
pub struct Lasting<A>(Undone<A>);

impl<A> Default for Lasting<A> {
    fn default() -> Self {
        Lasting(Undone::default())
    }
}

impl<V, A: Record, G: Undo<V, Accumulator = A>> Upkeep<V, G> for Lasting<A> {
    type Leaving = A;
    const BYTES: usize = 0;

    fn enter(&mut self, accumulator: A, how: &G) -> A {
        self.0.enter(accumulator, how)
    }

    fn grow(&mut self, accumulator: A, how: &G) {
        self.0.grow(accumulator, how);
    }

    fn leave(&mut self, leaving: A, how: &G) {
        let Undone(kept) = &mut self.0;
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
        self.0 = Undone(Some(Counted { whole, panes }));
    }
}

#[doc(hidden)]
pub struct Queue<A>(VecDeque<A>);

impl<A> Default for Queue<A> {
    fn default() -> Self {
        Queue(VecDeque::new())
    }
}

impl<V, A: Record, G: Aggregate<V, Accumulator = A>> Upkeep<V, G> for Queue<A> {
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

/// What is kept for an aggregate of a part of each value.
#[doc(hidden)]
#[derive(Default)]
pub struct OfPart<W>(W);

impl<T, V: 'static, G, F, W> Upkeep<T, Of<G, F, V>> for OfPart<W>
where
    G: Aggregate<V>,
    F: Fn(&T) -> V + 'static,
    W: Upkeep<V, G>,
{
    type Leaving = W::Leaving;
    const BYTES: usize = W::BYTES;
    const HAS_ALL: bool = W::HAS_ALL;

    fn enter(&mut self, accumulator: G::Accumulator, how: &Of<G, F, V>) -> W::Leaving {
        self.0.enter(accumulator, &how.aggregate)
    }

    fn grow(&mut self, accumulator: G::Accumulator, how: &Of<G, F, V>) {
        self.0.grow(accumulator, &how.aggregate);
    }

    fn leave(&mut self, leaving: W::Leaving, how: &Of<G, F, V>) {
        self.0.leave(leaving, &how.aggregate);
    }

    fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    fn value(&self, how: &Of<G, F, V>) -> Option<G::Result> {
        self.0.value(&how.aggregate)
    }

    fn whole(&self) -> Option<G::Accumulator> {
        self.0.whole()
    }

    fn put(&mut self, whole: G::Accumulator, how: &Of<G, F, V>) {
        self.0.put(whole, &how.aggregate);
    }
}

/// Several aggregates at once: they enter and leave together, so the first knows whether all are gone.
macro_rules! several {
    ($($G:ident $W:ident $i:tt)+) => {
        impl<V: Clone, $($G: Aggregate<V>, $W: Upkeep<V, $G>),+> Upkeep<V, ($($G,)+)> for ($($W,)+) {
            type Leaving = ($($W::Leaving,)+);
            const BYTES: usize = 0 $(+ $W::BYTES)+;
            const HAS_ALL: bool = false $(|| $W::HAS_ALL)+;

            fn enter(&mut self, accumulator: ($($G::Accumulator,)+), how: &($($G,)+)) -> Self::Leaving {
                ($(self.$i.enter(accumulator.$i, &how.$i),)+)
            }

            fn grow(&mut self, accumulator: ($($G::Accumulator,)+), how: &($($G,)+)) {
                $(self.$i.grow(accumulator.$i, &how.$i);)+
            }

            fn leave(&mut self, leaving: Self::Leaving, how: &($($G,)+)) {
                $(self.$i.leave(leaving.$i, &how.$i);)+
            }

            fn is_gone(&self) -> bool {
                self.0.is_gone()
            }

            fn value(&self, how: &($($G,)+)) -> Option<($($G::Result,)+)> {
                Some(($(self.$i.value(&how.$i)?,)+))
            }

            fn whole(&self) -> Option<($($G::Accumulator,)+)> {
                Some(($(self.$i.whole()?,)+))
            }

            fn put(&mut self, whole: ($($G::Accumulator,)+), how: &($($G,)+)) {
                $(self.$i.put(whole.$i, &how.$i);)+
            }
        }
    };
}

several!(A X0 0 B X1 1);
several!(A X0 0 B X1 1 C X2 2);
several!(A X0 0 B X1 1 C X2 2 D X3 3);
several!(A X0 0 B X1 1 C X2 2 D X3 3 E X4 4);
several!(A X0 0 B X1 1 C X2 2 D X3 3 E X4 4 F X5 5);

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        Associative,
        aggregate::{Sum, count, count_distinct, first, last, max, sum, top_k},
        operators::aggregate::UpkeepOf,
    };

    /// Values in order: what is merged the wrong way round shows.
    struct InOrder;

    impl Aggregate<u8> for InOrder {
        type Accumulator = Vec<u8>;
        type Result = Vec<u8>;
        type Algebra = Associative;
        fn create(&self, value: u8) -> Vec<u8> {
            vec![value]
        }
        fn merge(&self, mut older: Vec<u8>, mut newer: Vec<u8>) -> Vec<u8> {
            older.append(&mut newer);
            older
        }
        fn result(&self, values: Vec<u8>) -> Vec<u8> {
            values
        }
    }

    /// Lets a pane of a value enter, or the oldest leave, and compares with the reference each time.
    fn agrees<G: Aggregate<u8, Result: PartialEq + std::fmt::Debug>>(
        how: &G,
        mut window: impl Upkeep<u8, G>,
        steps: &[Option<u8>],
    ) {
        let mut reference = Queue::default();
        let mut panes = VecDeque::new();
        for step in steps {
            match *step {
                Some(value) => {
                    reference.enter(how.create(value), how);
                    panes.push_back(window.enter(how.create(value), how));
                }
                None => {
                    let Some(leaving) = panes.pop_front() else { continue };
                    Upkeep::<u8, G>::leave(&mut reference, (), how);
                    window.leave(leaving, how);
                }
            }
            assert_eq!(window.value(how), reference.value(how), "after {step:?} of {steps:?}");
            assert_eq!(window.is_gone(), panes.is_empty());
        }
    }

    /// The same of a window that nothing leaves.
    fn grows<G: Aggregate<u8, Result: PartialEq + std::fmt::Debug>>(
        how: &G,
        mut window: impl Upkeep<u8, G>,
        values: &[u8],
    ) {
        let mut reference = Queue::default();
        for value in values {
            reference.enter(how.create(*value), how);
            window.grow(how.create(*value), how);
            assert_eq!(window.value(how), reference.value(how));
            assert!(!window.is_gone());
        }
    }

    fn own<G: Aggregate<u8>>(_: &G) -> UpkeepOf<u8, G> {
        UpkeepOf::<u8, G>::default()
    }

    fn all() -> impl Aggregate<u8, Result: PartialEq + std::fmt::Debug> {
        let wide = sum().of(|&value: &u8| u32::from(value));
        (count(), InOrder, wide, count_distinct(), (first(), last()), top_k(2))
    }

    proptest! {
        #[test]
        fn each_way_agrees_with_the_queue(steps in vec(prop_oneof![3 => (0..9u8).prop_map(Some), 2 => Just(None)], 0..60)) {
            agrees(&InOrder, TwoStacks::default(), &steps);
            agrees(&max(), TwoStacks::default(), &steps);
            agrees(&count(), Undone::default(), &steps);
            agrees(&count_distinct(), Undone::default(), &steps);
            agrees(&all(), own(&all()), &steps);
        }

        #[test]
        fn each_way_grows_as_the_queue(values in vec(0..9u8, 0..30)) {
            grows(&InOrder, Queue::default(), &values);
            grows(&InOrder, TwoStacks::default(), &values);
            grows(&count_distinct(), Undone::default(), &values);
            grows(&count(), Lasting::default(), &values);
            grows(&all(), own(&all()), &values);
        }

        /// A sum of 0 when nothing is in the window, where others have none.
        #[test]
        fn what_lasts_stays_when_it_is_gone(first in 0..9u8, steps in vec(proptest::option::of(0..9u8), 0..60)) {
            let how = sum();
            let (mut window, mut panes) = (Lasting::default(), VecDeque::new());
            for step in std::iter::once(Some(first)).chain(steps) {
                match step.map(i64::from) {
                    Some(value) => panes.push_back((value, Upkeep::<u32, _>::enter(&mut window, value, &how))),
                    None => {
                        let Some((_, leaving)) = panes.pop_front() else { continue };
                        Upkeep::<u32, _>::leave(&mut window, leaving, &how);
                    }
                }
                let left = panes.iter().map(|pane| pane.0 as u32).sum();
                prop_assert_eq!(Upkeep::<u32, _>::value(&window, &how), Some(left));
                prop_assert_eq!(Upkeep::<u32, Sum>::is_gone(&window), panes.is_empty());
            }
        }
    }
}
