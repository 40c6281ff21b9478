//! An aggregate of a part of each value.

use std::{fmt, marker::PhantomData};

use super::{
    Aggregate, Algebra, Parameters, StateOf,
    traits::{Each, name_of},
    window_state::WindowState,
};

/// An aggregate of a part of each value, made by [`Aggregate::of`]. `Copy` where the aggregate and the closure are.
pub struct Of<G, F, V> {
    pub(crate) aggregate: G,
    part: F,
    parts: PhantomData<fn() -> V>,
}

impl<G, F, V> Of<G, F, V> {
    pub(super) fn new(aggregate: G, part: F) -> Self {
        Of { aggregate, part, parts: PhantomData }
    }
}

// Derived, they would also ask for them of `V`, of which there is no value here.
impl<G: Clone, F: Clone, V> Clone for Of<G, F, V> {
    fn clone(&self) -> Self {
        Of { aggregate: self.aggregate.clone(), part: self.part.clone(), parts: PhantomData }
    }
}

impl<G: Copy, F: Copy, V> Copy for Of<G, F, V> {}

impl<G: fmt::Debug, F, V> fmt::Debug for Of<G, F, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Of").field(&self.aggregate).finish()
    }
}

impl<T, V: 'static, G: Aggregate<V>, F: Fn(&T) -> V + 'static> Aggregate<T> for Of<G, F, V> {
    type Accumulator = G::Accumulator;
    type Result = G::Result;
    type Algebra = Each;
    const IN_ORDER: bool = G::IN_ORDER;
    #[inline]
    fn create(&self, value: T) -> G::Accumulator {
        self.aggregate.create((self.part)(&value))
    }
    #[inline]
    fn add(&self, accumulator: G::Accumulator, value: T) -> G::Accumulator {
        self.aggregate.add(accumulator, (self.part)(&value))
    }
    #[inline]
    fn merge(&self, older: G::Accumulator, newer: G::Accumulator) -> G::Accumulator {
        self.aggregate.merge(older, newer)
    }
    fn result(&self, accumulator: G::Accumulator) -> G::Result {
        self.aggregate.result(accumulator)
    }
    fn peek(&self, accumulator: &G::Accumulator) -> G::Result {
        self.aggregate.peek(accumulator)
    }
    fn parameters(&self) -> Parameters {
        self.aggregate.parameters()
    }
}

impl<T, V: 'static, G: Aggregate<V>, F: Fn(&T) -> V + 'static> Algebra<T, Of<G, F, V>> for Each {
    type WindowState = OfPart<StateOf<V, G>>;
    const COMMUTES: bool = <G::Algebra as Algebra<V, G>>::COMMUTES;
    fn name() -> Result<String, &'static str> {
        Ok(format!("Of<{}>", name_of::<V, G>()?))
    }
}

/// What is kept for an aggregate of a part of each value.
#[doc(hidden)]
#[derive(Default)]
pub struct OfPart<W>(W);

impl<T, V: 'static, G, F, W> WindowState<T, Of<G, F, V>> for OfPart<W>
where
    G: Aggregate<V>,
    F: Fn(&T) -> V + 'static,
    W: WindowState<V, G>,
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
