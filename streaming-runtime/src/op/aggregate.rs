//! How many values become one: the aggregates, and the trait by which users add their own.

use std::marker::PhantomData;

use super::upkeep::{Lasting, Queue, TwoStacks, Undone, Upkeep};
use crate::record::Record;

/// How values `V` become one result.
///
/// Values are gathered in accumulators: one is created from a value, values are added, accumulators are merged, and
/// the result is read off. Accumulators are what travels between workers and what windows hold.
///
/// ```
/// use streaming_runtime::{Aggregate, Associative, prelude::*};
///
/// /// The longest word; the earlier of two.
/// struct Longest;
///
/// impl Aggregate<String> for Longest {
///     type Accumulator = String;
///     type Result = String;
///     type Algebra = Associative;
///     fn create(&self, word: String) -> String {
///         word
///     }
///     fn merge(&self, older: String, newer: String) -> String {
///         if newer.len() > older.len() { newer } else { older }
///     }
///     fn result(&self, longest: String) -> String {
///         longest
///     }
/// }
///
/// stream!(
///     /// For each first letter, the longest word of the last minute.
///     #[batch(secs(1))]
///     fn longest<words: Source<(char, String)>, out: Sink<(char, String)>>() {
///         words.window(minutes(1), secs(10)).aggregate_by_key(Longest).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub trait Aggregate<V>: 'static {
    /// What values are gathered in.
    type Accumulator: Record;
    /// What comes out.
    type Result: Record;
    /// What [`merge`](Aggregate::merge) can be relied on for: [`Abelian`], [`Associative`] or [`Neither`]. It decides
    /// what a window keeps of each key.
    type Algebra: Algebra;

    /// The accumulator of one value.
    fn create(&self, value: V) -> Self::Accumulator;
    /// Adds a value.
    #[inline]
    fn add(&self, accumulator: Self::Accumulator, value: V) -> Self::Accumulator {
        self.merge(accumulator, self.create(value))
    }
    /// Puts two accumulators together, the older first where there is an order.
    fn merge(&self, older: Self::Accumulator, newer: Self::Accumulator) -> Self::Accumulator;
    /// Undoes the merge of `oldest` into `whole`. Only an [`Abelian`] aggregate is asked.
    fn undo(&self, whole: Self::Accumulator, oldest: Self::Accumulator) -> Self::Accumulator {
        let _ = (whole, oldest);
        panic!("an aggregate that says it is `Abelian` defines `undo`")
    }
    /// The result of all that was gathered.
    fn result(&self, accumulator: Self::Accumulator) -> Self::Result;
}

/// An algebra: what a merge can be relied on for.
pub trait Algebra: 'static {
    #[doc(hidden)]
    type Upkeep<A: Record>: Upkeep<A>;
}

/// Associative, commutative, and a merge can be undone: sums and counts. A window keeps one accumulator a key, and one
/// for each pane that has the key.
#[derive(Debug)]
pub enum Abelian {}
/// Associative: maxima, first and last. A window keeps two stacks of accumulators a key, and merges three times a
/// pane, however long it is.
#[derive(Debug)]
pub enum Associative {}
/// Nothing: a window merges the accumulators of all its panes at each slide, for each key.
#[derive(Debug)]
pub enum Neither {}

impl Algebra for Abelian {
    type Upkeep<A: Record> = Undone<A>;
}
impl Algebra for Associative {
    type Upkeep<A: Record> = TwoStacks<A>;
}
impl Algebra for Neither {
    type Upkeep<A: Record> = Queue<A>;
}

/// The algebra of Spark's inverse functions.
pub(super) enum Inverted {}
impl Algebra for Inverted {
    type Upkeep<A: Record> = Lasting<A>;
}

/// The merge of an aggregate, for whoever does not care what is gathered.
#[doc(hidden)]
pub trait Merge<A> {
    fn merge(&self, older: A, newer: A) -> A;
    fn undo(&self, whole: A, oldest: A) -> A;
}

/// The merge of the aggregate `G` of values `V`.
pub(super) struct MergeOf<'a, G, V>(pub(super) &'a G, pub(super) PhantomData<V>);

impl<V, G: Aggregate<V>> Merge<G::Accumulator> for MergeOf<'_, G, V> {
    #[inline]
    fn merge(&self, older: G::Accumulator, newer: G::Accumulator) -> G::Accumulator {
        self.0.merge(older, newer)
    }
    #[inline]
    fn undo(&self, whole: G::Accumulator, oldest: G::Accumulator) -> G::Accumulator {
        self.0.undo(whole, oldest)
    }
}

/// Merges values by a closure.
pub(super) struct Reduce<F>(pub(super) F);

impl<V: Record, F: Fn(V, V) -> V + 'static> Aggregate<V> for Reduce<F> {
    type Accumulator = V;
    type Result = V;
    type Algebra = Associative;
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
}

/// Merges values by a closure, and undoes it by another.
pub(super) struct ReduceBack<F, G>(pub(super) F, pub(super) G);

impl<V: Record, F: Fn(V, V) -> V + 'static, G: Fn(V, V) -> V + 'static> Aggregate<V> for ReduceBack<F, G> {
    type Accumulator = V;
    type Result = V;
    type Algebra = Inverted;
    #[inline]
    fn create(&self, value: V) -> V {
        value
    }
    #[inline]
    fn merge(&self, older: V, newer: V) -> V {
        self.0(older, newer)
    }
    #[inline]
    fn undo(&self, whole: V, oldest: V) -> V {
        self.1(whole, oldest)
    }
    fn result(&self, accumulator: V) -> V {
        accumulator
    }
}

/// Spark's three closures.
pub(super) struct Combine<F, G, H, A>(
    pub(super) F,
    pub(super) G,
    pub(super) H,
    pub(super) PhantomData<fn(A)>,
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
}

/// All values, in order.
pub(super) struct Group;

impl<V: Record> Aggregate<V> for Group {
    type Accumulator = Vec<V>;
    type Result = Vec<V>;
    // To be associative is of no use: two stacks would hold the suffixes of a list, a list each.
    type Algebra = Neither;
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
pub(super) struct Once;

impl Aggregate<()> for Once {
    type Accumulator = ();
    type Result = ();
    type Algebra = Abelian;
    fn create(&self, (): ()) {}
    fn merge(&self, (): (), (): ()) {}
    fn undo(&self, (): (), (): ()) {}
    fn result(&self, (): ()) {}
}

/// How often, of how often each.
pub(super) struct Sum;

impl Aggregate<i64> for Sum {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Abelian;
    #[inline]
    fn create(&self, n: i64) -> i64 {
        n
    }
    #[inline]
    fn merge(&self, older: i64, newer: i64) -> i64 {
        older + newer
    }
    #[inline]
    fn undo(&self, whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
    fn result(&self, n: i64) -> i64 {
        n
    }
}
