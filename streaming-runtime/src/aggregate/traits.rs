//! The trait of aggregates, and what their merges can be relied on for.

use std::any::type_name;

use super::{
    Of, Parameters,
    window_state::{InvertibleState, Queue, RetainedState, TwoStacks, WindowState},
};
use crate::record::Record;

/// How values `V` become one result.
///
/// Values are gathered in accumulators: an accumulator is created from a value, values are added, accumulators are merged, and a
/// result is made of the last one. Accumulators travel between workers, and windows store them.
///
/// ```
/// use streaming_runtime::{Aggregate, aggregate::Associative, prelude::*};
///
/// /// The longest word; the earlier of two.
/// struct Longest;
///
/// impl Aggregate<String> for Longest {
///     type Accumulator = String;
///     type Result = String;
///     type Algebra = Associative;
///     const NAME: &'static str = "longest";
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
///
/// A tuple of two to six aggregates is an aggregate, too. Each part gets every value (cloned), and a window stores each part by its own
/// algebra.
#[diagnostic::on_unimplemented(
    message = "this does not aggregate values of type `{V}`",
    label = "`{Self}` is no aggregate of `{V}`",
    note = "an aggregate is made by a function of `streaming_runtime::aggregate`, such as `sum()` or `count()`; several at once, two to six, are a tuple, `(sum(), count())`; a part of `{V}` is meant by `sum().of(|value: &{V}| value.part)`",
    note = "a closure stands in `.reduce(..)` or `.reduce_by_key(..)`, or a type of your own has an `impl Aggregate<{V}>`"
)]
pub trait Aggregate<V>: Sized + 'static {
    /// What values are gathered in.
    type Accumulator: Record;
    /// What comes out.
    type Result: Record;
    /// What [`merge`](Aggregate::merge) can be relied on for: [`Invertible`], [`Associative`] or [`NonAssociative`]. It decides
    /// what a window keeps of each key.
    type Algebra: Algebra<V, Self>;
    /// What a [checkpoint](crate::Engine::checkpoint) calls it. Choose a name once and leave it, also when the type is
    /// renamed: a start that finds state under another name refuses to go on from it. An aggregate without a name keeps
    /// nothing in a checkpoint: such a job does not start. Without a checkpoint, no name is needed.
    ///
    /// Two aggregates that keep different things have different names. What a generic aggregate is made with, beside its
    /// accumulator, it says in [`parameters`](Aggregate::parameters).
    const NAME: &'static str = "";
    /// Whether the result depends on the order of values in a batch, as the first of them does. A job of several workers
    /// then has one of them take in what a source sends, so that they are merged in that order.
    const IN_ORDER: bool = false;

    /// The accumulator of one value.
    fn create(&self, value: V) -> Self::Accumulator;
    /// Adds a value.
    #[inline]
    fn add(&self, accumulator: Self::Accumulator, value: V) -> Self::Accumulator {
        self.merge(accumulator, self.create(value))
    }
    /// Merges two accumulators, the older one first where there is an order.
    fn merge(&self, older: Self::Accumulator, newer: Self::Accumulator) -> Self::Accumulator;
    /// The result of an accumulator.
    fn result(&self, accumulator: Self::Accumulator) -> Self::Result;
    /// The result so far of an accumulator that a window goes on with. The default clones the accumulator; define it where a result is
    /// much smaller than its accumulator.
    #[inline]
    fn peek(&self, accumulator: &Self::Accumulator) -> Self::Result {
        self.result(accumulator.clone())
    }

    /// What accumulators depend on beside the values: where a [checkpoint](crate::Engine::checkpoint) has been written by an
    /// aggregate with other parameters, a start refuses to go on from what that kept. A type without fields has none; one
    /// with fields must say them where there are checkpoints, or that they are no matter.
    ///
    /// ```
    /// use streaming_runtime::aggregate::{Aggregate, Invertible, Parameters, Undo};
    ///
    /// /// How many numbers are above a limit.
    /// struct Above(i64);
    ///
    /// impl Aggregate<i64> for Above {
    ///     type Accumulator = i64;
    ///     type Result = i64;
    ///     type Algebra = Invertible;
    ///     const NAME: &'static str = "above";
    ///     fn create(&self, n: i64) -> i64 {
    ///         i64::from(n > self.0)
    ///     }
    ///     fn merge(&self, older: i64, newer: i64) -> i64 {
    ///         older + newer
    ///     }
    ///     fn result(&self, count: i64) -> i64 {
    ///         count
    ///     }
    ///     fn parameters(&self) -> Parameters {
    ///         Parameters::of(self.0)
    ///     }
    /// }
    /// # impl Undo<i64> for Above {
    /// #     fn undo(&self, whole: i64, oldest: i64) -> i64 { whole - oldest }
    /// # }
    /// ```
    fn parameters(&self) -> Parameters {
        Parameters::unless_said::<Self>()
    }

    /// This aggregate of a part of each value: `max().of(|trade: &Trade| trade.price)`. It is in the prelude.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use streaming_runtime::{aggregate::{count, max, mean}, prelude::*};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Trade { price: f64, shares: u32 }
    ///
    /// stream!(
    ///     /// For each symbol: trades, highest price, shares of a trade.
    ///     #[batch(secs(1))]
    ///     fn prices<trades: Source<(String, Trade)>, out: Sink<(String, (i64, f64, f64))>>() {
    ///         let price = max().of(|trade: &Trade| trade.price);
    ///         let shares = mean().of(|trade: &Trade| trade.shares);
    ///         trades.window(minutes(1), secs(1)).aggregate_by_key((count(), price, shares)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    fn of<T, F: Fn(&T) -> V + 'static>(self, part: F) -> Of<Self, F, V> {
        Of::new(self, part)
    }
}

/// An aggregate whose merges can be undone; those that say they are [`Invertible`] are.
///
/// ```
/// use streaming_runtime::aggregate::{Aggregate, Invertible, Undo};
///
/// /// The parity of values.
/// struct Parity;
///
/// impl Aggregate<u64> for Parity {
///     type Accumulator = u64;
///     type Result = bool;
///     type Algebra = Invertible;
///     fn create(&self, value: u64) -> u64 {
///         value & 1
///     }
///     fn merge(&self, older: u64, newer: u64) -> u64 {
///         older ^ newer
///     }
///     fn result(&self, parity: u64) -> bool {
///         parity == 1
///     }
/// }
///
/// impl Undo<u64> for Parity {
///     fn undo(&self, whole: u64, oldest: u64) -> u64 {
///         whole ^ oldest
///     }
/// }
/// ```
///
/// To claim it and not to say how is a compile error:
///
/// ```compile_fail,E0277
/// # use streaming_runtime::aggregate::{Aggregate, Invertible};
/// # struct Parity;
/// impl Aggregate<u64> for Parity {
///     type Algebra = Invertible;
///     // ..
/// #     type Accumulator = u64;
/// #     type Result = bool;
/// #     fn create(&self, value: u64) -> u64 { value & 1 }
/// #     fn merge(&self, older: u64, newer: u64) -> u64 { older ^ newer }
/// #     fn result(&self, parity: u64) -> bool { parity == 1 }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "nothing says how a merge of `{Self}` is undone",
    label = "an `Invertible` aggregate implements `Undo` too",
    note = "if a merge cannot be undone, say `type Algebra = Associative`"
)]
pub trait Undo<V>: Aggregate<V> {
    /// Undoes the merge of `oldest` into `whole`.
    fn undo(&self, whole: Self::Accumulator, oldest: Self::Accumulator) -> Self::Accumulator;
}

/// An algebra: what the merge of the aggregate `G` of values `V` can be relied on for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no algebra",
    label = "an algebra says what merges can be relied on for",
    note = "write `Invertible` where a merge can be undone, `Associative` where it can be done in any grouping, otherwise `NonAssociative`"
)]
pub trait Algebra<V, G: Aggregate<V>>: 'static {
    #[doc(hidden)]
    type WindowState: WindowState<V, G>;
    /// Whether values may be merged in any order.
    #[doc(hidden)]
    const COMMUTES: bool = false;
    /// The name of the aggregate with those that it is made of, or the type that has none.
    #[doc(hidden)]
    fn name() -> Result<String, &'static str> {
        if G::NAME.is_empty() { Err(type_name::<G>()) } else { Ok(G::NAME.to_owned()) }
    }
}

/// What a checkpoint calls an aggregate.
pub(crate) fn name_of<V, G: Aggregate<V>>() -> Result<String, &'static str> {
    <G::Algebra as Algebra<V, G>>::name()
}

/// What a window keeps of each key.
pub(crate) type StateOf<V, G> = <<G as Aggregate<V>>::Algebra as Algebra<V, G>>::WindowState;
/// What a pane keeps of a key until it leaves.
pub(crate) type LeavingOf<V, G> = <StateOf<V, G> as WindowState<V, G>>::Leaving;

/// Associative, commutative, and a merge can be undone: sums and counts. A window keeps one accumulator a key, and one
/// for each pane that has the key.
#[derive(Debug)]
pub enum Invertible {}
/// Associative: maxima, first and last. A window keeps two stacks of accumulators a key, and merges three times a
/// pane, however long it is.
#[derive(Debug)]
pub enum Associative {}
/// Nothing: a window merges the accumulators of all its panes at each slide, for each key.
#[derive(Debug)]
pub enum NonAssociative {}

/// Each part by its own algebra.
#[derive(Debug)]
pub enum Each {}

impl<V, G: Undo<V>> Algebra<V, G> for Invertible {
    type WindowState = InvertibleState<G::Accumulator>;
    const COMMUTES: bool = true;
}
impl<V, G: Aggregate<V>> Algebra<V, G> for Associative {
    type WindowState = TwoStacks<G::Accumulator>;
}
impl<V, G: Aggregate<V>> Algebra<V, G> for NonAssociative {
    type WindowState = Queue<G::Accumulator>;
}

/// The algebra of Spark's inverse functions.
pub(crate) enum Inverted {}
impl<V, G: Undo<V>> Algebra<V, G> for Inverted {
    type WindowState = RetainedState<G::Accumulator>;
}

#[cfg(test)]
pub(super) mod testing {
    use super::Aggregate;

    /// The aggregate of `values`, merged one by one from the left.
    pub(in crate::aggregate) fn of<V: Clone, G: Aggregate<V>>(aggregate: G, values: &[V]) -> G::Result {
        let all = values.iter().cloned().map(|value| aggregate.create(value));
        aggregate.result(all.reduce(|older, newer| aggregate.merge(older, newer)).expect("some values"))
    }
}
