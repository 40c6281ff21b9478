//! Aggregates behind operators: those that merge by functions of the program, and those that gather.

use std::marker::PhantomData;

use super::{Aggregate, Associative, Invertible, NonAssociative, Parameters, Undo, traits::Inverted};
use crate::record::Record;

/// Merges values by a closure.
pub(crate) struct Reduce<F>(pub(crate) F);

impl<V: Record, F: Fn(V, V) -> V + 'static> Aggregate<V> for Reduce<F> {
    type Accumulator = V;
    type Result = V;
    type Algebra = Associative;
    const NAME: &'static str = "Reduce";
    #[inline]
    fn create(&self, value: V) -> V {
        value
    }
    #[inline]
    fn add(&self, accumulator: V, value: V) -> V {
        self.0(accumulator, value)
    }
    #[inline]
    fn merge(&self, older: V, newer: V) -> V {
        self.0(older, newer)
    }
    fn result(&self, accumulator: V) -> V {
        accumulator
    }
    /// What a closure does cannot be seen.
    fn parameters(&self) -> Parameters {
        Parameters::none()
    }
}

/// Merges values by a closure, and undoes it by another.
pub(crate) struct ReduceBack<F, G>(pub(crate) F, pub(crate) G);

impl<V: Record, F: Fn(V, V) -> V + 'static, G: Fn(V, V) -> V + 'static> Aggregate<V> for ReduceBack<F, G> {
    type Accumulator = V;
    type Result = V;
    type Algebra = Inverted;
    const NAME: &'static str = "ReduceBack";
    #[inline]
    fn create(&self, value: V) -> V {
        value
    }
    #[inline]
    fn merge(&self, older: V, newer: V) -> V {
        self.0(older, newer)
    }
    fn result(&self, accumulator: V) -> V {
        accumulator
    }
    /// What a closure does cannot be seen.
    fn parameters(&self) -> Parameters {
        Parameters::none()
    }
}

impl<V: Record, F: Fn(V, V) -> V + 'static, G: Fn(V, V) -> V + 'static> Undo<V> for ReduceBack<F, G> {
    #[inline]
    fn undo(&self, whole: V, oldest: V) -> V {
        self.1(whole, oldest)
    }
}

/// Spark's three closures.
pub(crate) struct Combine<F, G, H, A>(
    pub(crate) F,
    pub(crate) G,
    pub(crate) H,
    pub(crate) PhantomData<fn(A)>,
);

impl<V, A: Record, F, G, H> Aggregate<V> for Combine<F, G, H, A>
where
    F: Fn(V) -> A + 'static,
    G: Fn(A, V) -> A + 'static,
    H: Fn(A, A) -> A + 'static,
{
    type Accumulator = A;
    type Result = A;
    type Algebra = Associative;
    const NAME: &'static str = "Combine";
    #[inline]
    fn create(&self, value: V) -> A {
        self.0(value)
    }
    #[inline]
    fn add(&self, accumulator: A, value: V) -> A {
        self.1(accumulator, value)
    }
    #[inline]
    fn merge(&self, older: A, newer: A) -> A {
        self.2(older, newer)
    }
    fn result(&self, accumulator: A) -> A {
        accumulator
    }
    /// What a closure does cannot be seen.
    fn parameters(&self) -> Parameters {
        Parameters::none()
    }
}

/// All values, in order.
pub(crate) struct Group;

impl<V: Record> Aggregate<V> for Group {
    type Accumulator = Vec<V>;
    type Result = Vec<V>;
    // To be associative is of no use: two stacks would hold the suffixes of a list, a list each.
    type Algebra = NonAssociative;
    const NAME: &'static str = "Group";
    const IN_ORDER: bool = true;
    fn create(&self, value: V) -> Vec<V> {
        vec![value]
    }
    fn add(&self, mut values: Vec<V>, value: V) -> Vec<V> {
        values.push(value);
        values
    }
    fn merge(&self, mut older: Vec<V>, mut newer: Vec<V>) -> Vec<V> {
        older.append(&mut newer);
        older
    }
    fn result(&self, values: Vec<V>) -> Vec<V> {
        values
    }
}

/// That there is something.
pub(crate) struct Once;

impl Aggregate<()> for Once {
    type Accumulator = ();
    type Result = ();
    type Algebra = Invertible;
    const NAME: &'static str = "Once";
    fn create(&self, (): ()) {}
    fn merge(&self, (): (), (): ()) {}
    fn result(&self, (): ()) {}
}

impl Undo<()> for Once {
    fn undo(&self, (): (), (): ()) {}
}

/// How often, of how often each.
pub(crate) struct SumOfCounts;

impl Aggregate<i64> for SumOfCounts {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Invertible;
    const NAME: &'static str = "Sum";
    #[inline]
    fn create(&self, n: i64) -> i64 {
        n
    }
    #[inline]
    fn merge(&self, older: i64, newer: i64) -> i64 {
        older + newer
    }
    fn result(&self, n: i64) -> i64 {
        n
    }
}

impl Undo<i64> for SumOfCounts {
    #[inline]
    fn undo(&self, whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
}
