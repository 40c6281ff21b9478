//! How many values become one: the aggregates, and the trait by which users add their own.

use std::{any::type_name, marker::PhantomData};

use crate::{
    operators::{
        kernel::window_state::{Lasting, OfPart, Queue, TwoStacks, Undone, Upkeep},
        parameters::Parameters,
    },
    record::Record,
};

/// How values `V` become one result.
///
/// Values are gathered in accumulators: an accumulator is created from a value, values are added, accumulators are merged, and a
/// result is made of the last one. Accumulators travel between workers, and windows store them.
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
    note = "an aggregate is made by a function of `streaming_runtime::aggregate`, such as `sum()`; several at once, two to six, are a tuple; a part of `{V}` is meant by `sum().of(|value: &{V}| value.part)`",
    note = "a closure stands in `.reduce(..)` or `.reduce_by_key(..)`, or one's own type implements `Aggregate<{V}>`"
)]
pub trait Aggregate<V>: Sized + 'static {
    /// What values are gathered in.
    type Accumulator: Record;
    /// What comes out.
    type Result: Record;
    /// What [`merge`](Aggregate::merge) can be relied on for: [`Abelian`], [`Associative`] or [`Neither`]. It decides
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
    /// use streaming_runtime::{Abelian, Aggregate, Parameters, Undo};
    ///
    /// /// How many numbers are above a limit.
    /// struct Above(i64);
    ///
    /// impl Aggregate<i64> for Above {
    ///     type Accumulator = i64;
    ///     type Result = i64;
    ///     type Algebra = Abelian;
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
        Of { aggregate: self, part, parts: PhantomData }
    }
}

/// An aggregate whose merges can be undone; those that say they are [`Abelian`] are.
///
/// ```
/// use streaming_runtime::{Abelian, Aggregate, Undo};
///
/// /// The parity of values.
/// struct Parity;
///
/// impl Aggregate<u64> for Parity {
///     type Accumulator = u64;
///     type Result = bool;
///     type Algebra = Abelian;
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
/// # use streaming_runtime::{Abelian, Aggregate};
/// # struct Parity;
/// impl Aggregate<u64> for Parity {
///     type Algebra = Abelian;
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
    label = "an `Abelian` aggregate implements `Undo` too",
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
    note = "write `Abelian` where a merge can be undone, `Associative` where it can be done in any grouping, otherwise `Neither`"
)]
pub trait Algebra<V, G: Aggregate<V>>: 'static {
    #[doc(hidden)]
    type Upkeep: Upkeep<V, G>;
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
pub(crate) type UpkeepOf<V, G> = <<G as Aggregate<V>>::Algebra as Algebra<V, G>>::Upkeep;
/// What a pane keeps of a key until it leaves.
pub(crate) type LeavingOf<V, G> = <UpkeepOf<V, G> as Upkeep<V, G>>::Leaving;

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

/// Each part by its own algebra.
#[derive(Debug)]
pub enum Each {}

impl<V, G: Undo<V>> Algebra<V, G> for Abelian {
    type Upkeep = Undone<G::Accumulator>;
    const COMMUTES: bool = true;
}
impl<V, G: Aggregate<V>> Algebra<V, G> for Associative {
    type Upkeep = TwoStacks<G::Accumulator>;
}
impl<V, G: Aggregate<V>> Algebra<V, G> for Neither {
    type Upkeep = Queue<G::Accumulator>;
}

/// The algebra of Spark's inverse functions.
pub(crate) enum Inverted {}
impl<V, G: Undo<V>> Algebra<V, G> for Inverted {
    type Upkeep = Lasting<G::Accumulator>;
}

/// An aggregate of a part of each value, made by [`Aggregate::of`].
#[derive(Clone, Debug)]
pub struct Of<G, F, V> {
    pub(crate) aggregate: G,
    part: F,
    parts: PhantomData<fn() -> V>,
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
    type Upkeep = OfPart<UpkeepOf<V, G>>;
    const COMMUTES: bool = <G::Algebra as Algebra<V, G>>::COMMUTES;
    fn name() -> Result<String, &'static str> {
        Ok(format!("Of<{}>", name_of::<V, G>()?))
    }
}

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
            type Upkeep = ($(UpkeepOf<V, $G>,)+ UpkeepOf<V, $L>);
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
    type Algebra = Neither;
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
    type Algebra = Abelian;
    const NAME: &'static str = "Once";
    fn create(&self, (): ()) {}
    fn merge(&self, (): (), (): ()) {}
    fn result(&self, (): ()) {}
}

impl Undo<()> for Once {
    fn undo(&self, (): (), (): ()) {}
}

/// How often, of how often each.
pub(crate) struct Sum;

impl Aggregate<i64> for Sum {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Abelian;
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

impl Undo<i64> for Sum {
    #[inline]
    fn undo(&self, whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
}
