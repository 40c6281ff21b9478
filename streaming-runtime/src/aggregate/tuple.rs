//! Several aggregates at once.

use super::{
    Aggregate, Algebra, Parameters, StateOf,
    traits::{Each, name_of},
    window_state::WindowState,
};

/// Several aggregates at once.
macro_rules! several {
    ($($G:ident $i:tt)+ ; $L:ident $l:tt) => {
        impl<V: Clone, $($G: Aggregate<V>,)+ $L: Aggregate<V>> Aggregate<V> for ($($G,)+ $L) {
            type Accumulator = ($($G::Accumulator,)+ $L::Accumulator);
            type Result = ($($G::Result,)+ $L::Result);
            type Algebra = Each;
            const IN_ORDER: bool = $($G::IN_ORDER ||)+ $L::IN_ORDER;
            #[inline]
            fn create(&self, value: V) -> Self::Accumulator {
                ($(self.$i.create(value.clone()),)+ self.$l.create(value))
            }
            #[inline]
            fn add(&self, accumulator: Self::Accumulator, value: V) -> Self::Accumulator {
                ($(self.$i.add(accumulator.$i, value.clone()),)+ self.$l.add(accumulator.$l, value))
            }
            #[inline]
            fn merge(&self, older: Self::Accumulator, newer: Self::Accumulator) -> Self::Accumulator {
                ($(self.$i.merge(older.$i, newer.$i),)+ self.$l.merge(older.$l, newer.$l))
            }
            fn result(&self, accumulator: Self::Accumulator) -> Self::Result {
                ($(self.$i.result(accumulator.$i),)+ self.$l.result(accumulator.$l))
            }
            fn peek(&self, accumulator: &Self::Accumulator) -> Self::Result {
                ($(self.$i.peek(&accumulator.$i),)+ self.$l.peek(&accumulator.$l))
            }
            fn parameters(&self) -> Parameters {
                Parameters::all([$(self.$i.parameters(),)+ self.$l.parameters()])
            }
        }

        impl<V: Clone, $($G: Aggregate<V>,)+ $L: Aggregate<V>> Algebra<V, ($($G,)+ $L)> for Each {
            type WindowState = ($(StateOf<V, $G>,)+ StateOf<V, $L>);
            const COMMUTES: bool = $(<$G::Algebra as Algebra<V, $G>>::COMMUTES &&)+ <$L::Algebra as Algebra<V, $L>>::COMMUTES;
            fn name() -> Result<String, &'static str> {
                Ok(format!("({})", [$(name_of::<V, $G>()?,)+ name_of::<V, $L>()?].join(",")))
            }
        }
    };
}

several!(A 0; B 1);
several!(A 0 B 1; C 2);
several!(A 0 B 1 C 2; D 3);
several!(A 0 B 1 C 2 D 3; E 4);
several!(A 0 B 1 C 2 D 3 E 4; F 5);

/// Several aggregates at once: they enter and leave together, so the first knows whether all are gone.
macro_rules! states_of_several {
    ($($G:ident $W:ident $i:tt)+) => {
        impl<V: Clone, $($G: Aggregate<V>, $W: WindowState<V, $G>),+> WindowState<V, ($($G,)+)> for ($($W,)+) {
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

states_of_several!(A X0 0 B X1 1);
states_of_several!(A X0 0 B X1 1 C X2 2);
states_of_several!(A X0 0 B X1 1 C X2 2 D X3 3);
states_of_several!(A X0 0 B X1 1 C X2 2 D X3 3 E X4 4);
states_of_several!(A X0 0 B X1 1 C X2 2 D X3 3 E X4 4 F X5 5);
