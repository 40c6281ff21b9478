//! Operators that bring the records of two streams together by key.
//!
//! What a key makes of the values of two sides is a [`JoinLogic`]; how it is kept depends on what the streams hold:
//!
//! | sides | lowering |
//! |---|---|
//! | two batches | both are grouped by key at once, as `group_by_key` does |
//! | windows, histories, what is kept, and a batch, or contents that stand, with one of these | a symmetric hash join, `meet` |
//! | streams of a loop | differential's join of arrangements, `collection` |
//!
//! Of a key, a join says what it makes in the order in which it came to be: of records that pass as they are, the order
//! of their arrival.

use std::{collections::VecDeque, rc::Rc};

use differential_dataflow::{Collection, VecCollection, operators::arrange::Arranged};
use timely::dataflow::{StreamVec, operators::core::Concat};

use crate::{
    aggregate::{Aggregate, NonAssociative},
    ids::{Epoch, OpId},
    observe::operator_stats::made,
    operators::{
        by_key::{Arrives, ByKey},
        kernel::{
            copies::Copies,
            differential::{
                ByKeyTrace, Comparable, Looped, Moment, {self},
            },
            hash_join::{JoinLogic, JoinSide, JoinTimes, Retention, TakenBack, meet},
        },
        window::Materialize,
    },
    record::{Key, Keyed, Record},
    stream::{
        Stream,
        chain::Chain,
        context::JobContext,
        kind::{PerBatch, StreamKind, Table, Updates, Windowed},
        rhythm::Rhythm,
    },
};

type Groups<V, W> = (Vec<V>, Vec<W>);
/// What an outer join makes of two values, of which one may be missing.
type Outer<V, W> = (Option<V>, Option<W>);

/// A kind of join by pairs: what a pair makes, and what a value makes alone.
#[doc(hidden)]
pub trait Kind<K, V, W>: 'static {
    type Out;
    /// See [`JoinLogic::NAME`].
    const NAME: &'static str;
    const LEFT_ALONE: bool = false;
    const RIGHT_ALONE: bool = false;
    /// Whether pairs make anything.
    const PAIRED: bool = true;
    /// Whether it only matters that there is a right value, not how many.
    const RIGHT_ONCE: bool = false;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out>;
    fn left(_: &K, _: &V) -> Option<Self::Out> {
        None
    }
    fn right(_: &K, _: &W) -> Option<Self::Out> {
        None
    }
}

#[doc(hidden)]
pub struct Inner;
#[doc(hidden)]
pub struct LeftOuter;
#[doc(hidden)]
pub struct RightOuter;
#[doc(hidden)]
pub struct FullOuter;
#[doc(hidden)]
pub struct Semi;
#[doc(hidden)]
pub struct Anti;

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for Inner {
    type Out = (K, (V, W));
    const NAME: &'static str = "Pairs<Inner>";
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (left.clone(), right.clone())))
    }
}

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for LeftOuter {
    type Out = (K, (V, Option<W>));
    const NAME: &'static str = "Pairs<LeftOuter>";
    const LEFT_ALONE: bool = true;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (left.clone(), Some(right.clone()))))
    }
    fn left(key: &K, left: &V) -> Option<Self::Out> {
        Some((key.clone(), (left.clone(), None)))
    }
}

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for RightOuter {
    type Out = (K, (Option<V>, W));
    const NAME: &'static str = "Pairs<RightOuter>";
    const RIGHT_ALONE: bool = true;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (Some(left.clone()), right.clone())))
    }
    fn right(key: &K, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (None, right.clone())))
    }
}

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for FullOuter {
    type Out = (K, Outer<V, W>);
    const NAME: &'static str = "Pairs<FullOuter>";
    const LEFT_ALONE: bool = true;
    const RIGHT_ALONE: bool = true;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (Some(left.clone()), Some(right.clone()))))
    }
    fn left(key: &K, left: &V) -> Option<Self::Out> {
        Some((key.clone(), (Some(left.clone()), None)))
    }
    fn right(key: &K, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (None, Some(right.clone()))))
    }
}

impl<K: Clone, V: Clone> Kind<K, V, ()> for Semi {
    type Out = (K, V);
    const NAME: &'static str = "Pairs<Semi>";
    const RIGHT_ONCE: bool = true;
    fn pair(key: &K, left: &V, (): &()) -> Option<Self::Out> {
        Some((key.clone(), left.clone()))
    }
}

impl<K: Clone, V: Clone> Kind<K, V, ()> for Anti {
    type Out = (K, V);
    const NAME: &'static str = "Pairs<Anti>";
    const PAIRED: bool = false;
    const LEFT_ALONE: bool = true;
    const RIGHT_ONCE: bool = true;
    fn pair(_: &K, _: &V, (): &()) -> Option<Self::Out> {
        None
    }
    fn left(key: &K, left: &V) -> Option<Self::Out> {
        Some((key.clone(), left.clone()))
    }
}

/// A join by pairs.
#[doc(hidden)]
pub struct Pairs<J>(J);

impl<K, V, W, J: Kind<K, V, W>> JoinLogic<K, V, W> for Pairs<J> {
    type Out = J::Out;
    const NAME: &'static str = J::NAME;
    const LEFT_ALONE: bool = J::LEFT_ALONE;
    const RIGHT_ALONE: bool = J::RIGHT_ALONE;
    const WHOLE: bool = false;

    fn all(&self, key: &K, left: &VecDeque<V>, right: &VecDeque<W>, out: &mut impl FnMut(J::Out)) {
        for value in left {
            let met = if J::RIGHT_ONCE { right.len().min(1) } else { right.len() };
            right.range(..met).filter_map(|other| J::pair(key, value, other)).for_each(&mut *out);
        }
        if right.is_empty() && J::LEFT_ALONE {
            left.iter().filter_map(|value| J::left(key, value)).for_each(&mut *out);
        }
        if left.is_empty() && J::RIGHT_ALONE {
            right.iter().filter_map(|value| J::right(key, value)).for_each(&mut *out);
        }
    }

    fn left(&self, key: &K, value: &V, alone: bool, right: &VecDeque<W>, out: &mut impl FnMut(J::Out, i64)) {
        if right.is_empty() {
            return J::left(key, value).into_iter().for_each(|made| out(made, 1));
        }
        let met = if J::RIGHT_ONCE { 1 } else { right.len() };
        right.range(..met).filter_map(|other| J::pair(key, value, other)).for_each(|made| out(made, 1));
        if alone && J::RIGHT_ALONE {
            right.iter().filter_map(|other| J::right(key, other)).for_each(|made| out(made, -1));
        }
    }

    fn right(&self, key: &K, value: &W, alone: bool, left: &VecDeque<V>, out: &mut impl FnMut(J::Out, i64)) {
        if left.is_empty() {
            return J::right(key, value).into_iter().for_each(|made| out(made, 1));
        }
        if alone || !J::RIGHT_ONCE {
            left.iter().filter_map(|other| J::pair(key, other, value)).for_each(|made| out(made, 1));
        }
        if alone && J::LEFT_ALONE {
            left.iter().filter_map(|other| J::left(key, other)).for_each(|made| out(made, -1));
        }
    }
}

/// All values of both sides.
#[doc(hidden)]
pub struct Cogroup;

impl<K: Clone + 'static, V: Clone + 'static, W: Clone + 'static> JoinLogic<K, V, W> for Cogroup {
    type Out = (K, Groups<V, W>);
    const NAME: &'static str = "Cogroup";
    const LEFT_ALONE: bool = true;
    const RIGHT_ALONE: bool = true;
    const WHOLE: bool = true;

    fn all(&self, key: &K, left: &VecDeque<V>, right: &VecDeque<W>, out: &mut impl FnMut(Self::Out)) {
        if !left.is_empty() || !right.is_empty() {
            out((key.clone(), (left.iter().cloned().collect(), right.iter().cloned().collect())));
        }
    }
    fn left(&self, _: &K, _: &V, _: bool, _: &VecDeque<W>, _: &mut impl FnMut(Self::Out, i64)) {}
    fn right(&self, _: &K, _: &W, _: bool, _: &VecDeque<V>, _: &mut impl FnMut(Self::Out, i64)) {}
}

impl<V: Record, W: Record> Aggregate<JoinSide<V, W>> for Cogroup {
    type Accumulator = Groups<V, W>;
    type Result = Groups<V, W>;
    type Algebra = NonAssociative;
    const NAME: &'static str = "Cogroup";
    fn create(&self, value: JoinSide<V, W>) -> Groups<V, W> {
        <Self as Aggregate<JoinSide<V, W>>>::add(self, (vec![], vec![]), value)
    }
    fn add(&self, mut groups: Groups<V, W>, value: JoinSide<V, W>) -> Groups<V, W> {
        match value {
            JoinSide::Left(value) => groups.0.push(value),
            JoinSide::Right(value) => groups.1.push(value),
        }
        groups
    }
    fn merge(&self, mut groups: Groups<V, W>, mut newer: Groups<V, W>) -> Groups<V, W> {
        groups.0.append(&mut newer.0);
        groups.1.append(&mut newer.1);
        groups
    }
    fn result(&self, groups: Groups<V, W>) -> Groups<V, W> {
        groups
    }
}

type Collected<'s, M, T> = VecCollection<'s, M, T, Copies>;

/// A meeting of differential collections.
#[doc(hidden)]
pub trait Collects<K: Comparable, V: Comparable, W: Comparable>: JoinLogic<K, V, W> {
    fn collect<'s, M: Moment>(
        self,
        left: Arranged<'s, ByKeyTrace<M, K, V>>,
        right: Arranged<'s, ByKeyTrace<M, K, W>>,
        id: OpId,
    ) -> Collected<'s, M, Self::Out>;
}

impl<K: Comparable, V: Comparable, W: Comparable, J: Kind<K, V, W, Out: Comparable>> Collects<K, V, W>
    for Pairs<J>
{
    fn collect<'s, M: Moment>(
        self,
        left: Arranged<'s, ByKeyTrace<M, K, V>>,
        right: Arranged<'s, ByKeyTrace<M, K, W>>,
        _: OpId,
    ) -> Collected<'s, M, J::Out> {
        let pair = |key: &K, value: &V, other: &W| J::pair(key, value, other);
        let mut made = Vec::new();
        if J::PAIRED && J::RIGHT_ONCE {
            // Each key once, with any of its values: kinds that count a right value once do not look at it.
            made.push(left.clone().join_core(once(right.clone()), pair));
        } else if J::PAIRED {
            made.push(left.clone().join_core(right.clone(), pair));
        }
        if J::LEFT_ALONE {
            let all = left.clone().flat_map_ref(J::left);
            let met = left.clone().join_core(once(right.clone()), |key, value, _| J::left(key, value));
            made.extend([all, met.negate()]);
        }
        if J::RIGHT_ALONE {
            let all = right.clone().flat_map_ref(J::right);
            let met = right.join_core(once(left), |key, value, _| J::right(key, value));
            made.extend([all, met.negate()]);
        }
        made.into_iter().reduce(Collection::concat).expect("a join makes something")
    }
}

/// Each key with one of its values.
fn once<'s, M: Moment, K: Comparable, V: Comparable>(
    values: Arranged<'s, ByKeyTrace<M, K, V>>,
) -> Arranged<'s, ByKeyTrace<M, K, V>> {
    differential::reduce(values, "Once", |values, one| one.push((values[0].0.clone(), Copies::ONE)))
}

/// Not in a loop: `cogroup` asks for [`Arrives`], whose words say why. This is here so that nothing else is said.
impl<K: Comparable, V: Comparable, W: Comparable> Collects<K, V, W> for Cogroup {
    fn collect<'s, M: Moment>(
        self,
        _: Arranged<'s, ByKeyTrace<M, K, V>>,
        _: Arranged<'s, ByKeyTrace<M, K, W>>,
        _: OpId,
    ) -> Collected<'s, M, Self::Out> {
        unreachable!("a `cogroup` in a loop does not compile")
    }
}

/// A pair whose key is that of the other stream.
#[diagnostic::on_unimplemented(
    message = "this stream has no key of type `{K}`",
    label = "its records are of type `{Self}`, and to meet those of the other stream they must be `({K}, value)`",
    note = "give it such a key before: `.key_by(|record| key)`, or `.map(|record| (key, value))` where it has one of another type"
)]
pub trait Meets<K, W>: Keyed<K, W> {}
#[diagnostic::do_not_recommend]
impl<K, W> Meets<K, W> for (K, W) {}

/// A stream that can be joined with one that holds `Q`, and what the result holds.
#[diagnostic::on_unimplemented(
    message = "these two streams cannot be joined as they are",
    label = "a stream that holds `{Self}` with one that holds `{Q}`",
    note = "unbounded state says first how long it is kept: `.expire_after(..)`, `.allow_unbounded(\"why\")`; in a loop both are streams of the loop",
    note = "what is kept is taken back when it changes, so keys and values of kept streams need `Eq`, `Hash`, `Ord` and `Debug`: of a float take its bits, or round it to an integer, before it is joined; or join whole batches: `.snapshot()` on both"
)]
pub trait Joins<Q: StreamKind, K, V, W, J>: StreamKind {
    #[doc(hidden)]
    type Out: StreamKind;
    #[doc(hidden)]
    fn join<'s, T, U, C, D>(
        left: Stream<'s, T, Self, C>,
        right: Stream<'s, U, Q, D>,
        how: J,
    ) -> Stream<'s, J::Out, Self::Out>
    where
        K: Key,
        V: Record,
        W: Record,
        J: JoinLogic<K, V, W, Out: Record>,
        T: Keyed<K, V> + 'static,
        U: Keyed<K, W> + 'static,
        C: Chain<Out = T>,
        D: Chain<Out = U>;
}

/// Declares how a stream that holds the one is joined with one that holds the other.
macro_rules! joins {
    ([$($generics:tt)*] $left:ty, $right:ty => $out:ty, ($($bound:tt)*), |$a:ident, $b:ident, $how:ident| $body:expr) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)* K, V, W, J> Joins<$right, K, V, W, J> for $left
        where
            $($bound)*
        {
            type Out = $out;
            fn join<'s, T, U, C, D>(
                $a: Stream<'s, T, $left, C>,
                $b: Stream<'s, U, $right, D>,
                $how: J,
            ) -> Stream<'s, J::Out, $out>
            where
                K: Key,
                V: Record,
                W: Record,
                J: JoinLogic<K, V, W, Out: Record>,
                T: Keyed<K, V> + 'static,
                U: Keyed<K, W> + 'static,
                C: Chain<Out = T>,
                D: Chain<Out = U>,
            {
                $body
            }
        }
    };
}

joins!([] PerBatch, PerBatch => PerBatch, (J: JoinLogic<K, V, W>,), |left, right, how| {
    let (id, one, other) = (left.id, &left.rhythm, &right.rhythm);
    let stand = (one.stands(), other.stands());
    if !one.is_with(other) && stand != (false, false) {
        let rhythm = match stand {
            (true, true) => one.or(other).standing(),
            (true, false) => other.clone(),
            (false, _) => one.clone(),
        };
        let sides = (batches(left, JoinSide::Left), batches(right, JoinSide::Right));
        return looked_up(sides, (Retention::Batch, Retention::Batch), rhythm, how);
    }
    left.job.depends_on_order(J::WHOLE);
    let left = left.map(|record| with_side(record, JoinSide::<V, W>::Left));
    let right = right.map(|record| with_side(record, JoinSide::<V, W>::Right));
    let groups = PerBatch::aggregate(left.union(right.at(id)), Cogroup);
    let made = groups.flat_map(move |(key, (left, right)), out| {
        how.all(&key, &left.into(), &right.into(), &mut |made| out.extend([made]));
    });
    made.share()
});
joins!([] PerBatch, Windowed => PerBatch, (J: JoinLogic<K, V, W>,), |left, right, how| {
    let (span, rhythm) = (Retention::Window(right.held.size), left.rhythm.clone());
    looked_up((batches(left, JoinSide::Left), windows(right, JoinSide::Right)), (Retention::Batch, span), rhythm, how)
});
joins!([] Windowed, PerBatch => PerBatch, (J: JoinLogic<K, V, W>,), |left, right, how| {
    let (span, rhythm) = (Retention::Window(left.held.size), right.rhythm.clone());
    looked_up((windows(left, JoinSide::Left), batches(right, JoinSide::Right)), (span, Retention::Batch), rhythm, how)
});
joins!([] Windowed, Windowed => Table, (J: JoinLogic<K, V, W>,), |left, right, how| {
    let spans = (Retention::Window(left.held.size), Retention::Window(right.held.size));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    met((windows(left, JoinSide::Left), windows(right, JoinSide::Right)), spans, rhythm, how)
});
joins!([] PerBatch, Table => PerBatch, (W: Comparable, J: JoinLogic<K, V, W>,), |left, right, how| {
    let (spans, rhythm) = ((Retention::Batch, Retention::Table(TakenBack::new())), left.rhythm.clone());
    looked_up((batches(left, JoinSide::Left), changes(right, JoinSide::Right)), spans, rhythm, how)
});
joins!([] Table, PerBatch => PerBatch, (V: Comparable, J: JoinLogic<K, V, W>,), |left, right, how| {
    let (spans, rhythm) = ((Retention::Table(TakenBack::new()), Retention::Batch), right.rhythm.clone());
    looked_up((changes(left, JoinSide::Left), batches(right, JoinSide::Right)), spans, rhythm, how)
});
joins!([] Table, Table => Table, (K: Comparable, V: Comparable, W: Comparable, J: JoinLogic<K, V, W>,), |left, right, how| {
    let spans = (Retention::Table(TakenBack::new()), Retention::Table(TakenBack::new()));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    met((changes(left, JoinSide::Left), changes(right, JoinSide::Right)), spans, rhythm, how)
});
joins!([] Windowed, Table => Table, (K: Comparable, V: Comparable, W: Comparable, J: JoinLogic<K, V, W>,), |left, right, how| {
    let spans = (Retention::Window(left.held.size), Retention::Table(TakenBack::new()));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    met((windows(left, JoinSide::Left), changes(right, JoinSide::Right)), spans, rhythm, how)
});
joins!([] Table, Windowed => Table, (K: Comparable, V: Comparable, W: Comparable, J: JoinLogic<K, V, W>,), |left, right, how| {
    let spans = (Retention::Table(TakenBack::new()), Retention::Window(right.held.size));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    met((changes(left, JoinSide::Left), windows(right, JoinSide::Right)), spans, rhythm, how)
});
joins!([M: Moment,] Looped<M>, Looped<M> => Looped<M>, (K: Comparable, V: Comparable, W: Comparable, J: Collects<K, V, W, Out: Comparable>,), |left, right, how| {
    let (left, right) = (left.map(Keyed::part).share(), right.map(Keyed::part).share());
    let (id, rhythm) = (left.id, left.rhythm.or(&right.rhythm));
    let made = made(id, 0, || {
        let (left, right) = (left.held.collection, right.held.collection);
        let left = made(id, size_of::<((K, V), M, Copies)>(), || left.arrange_by_key());
        let right = made(id, size_of::<((K, W), M, Copies)>(), || right.arrange_by_key());
        how.collect(left, right, id)
    });
    Stream::new(Updates { collection: made, settled: false }, left.id, left.job, rhythm)
});

fn with_side<T: Keyed<K, V>, K, V, S>(record: T, side: impl Fn(V) -> S) -> (K, S) {
    let (key, value) = record.part();
    (key, side(value))
}

/// A stream of values, each with its key, its side, and how often it is there more.
struct Coming<'s, K: 'static, S: 'static> {
    records: StreamVec<'s, Epoch, (K, S, i64)>,
    id: OpId,
    job: Rc<JobContext>,
    rhythm: Rhythm,
}

fn batches<'s, T, K: Record, V: Record, S: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, PerBatch, C>,
    side: impl Fn(V) -> S + 'static,
) -> Coming<'s, K, S>
where
    T: Keyed<K, V> + 'static,
{
    let sided = stream.map(move |record| {
        let (key, value) = with_side(record, &side);
        (key, value, 1)
    });
    let Stream { held, id, job, rhythm, .. } = sided.share();
    Coming { records: held, id, job, rhythm }
}

fn windows<'s, T, K: Record, V: Record, S: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Windowed, C>,
    side: impl Fn(V) -> S + 'static,
) -> Coming<'s, K, S>
where
    T: Keyed<K, V> + 'static,
{
    batches(stream.on(|panes| panes.batches), side)
}

fn changes<'s, T, K: Record, V: Record, S: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Table, C>,
    side: impl Fn(V) -> S + 'static,
) -> Coming<'s, K, S>
where
    T: Keyed<K, V> + 'static,
{
    let sided = stream.map(move |record| with_side(record, &side)).changes();
    let Stream { held, id, job, rhythm, .. } = sided.map(|((key, value), times)| (key, value, times)).share();
    Coming { records: held, id, job, rhythm }
}

/// Both streams that meet, left and right.
type Sides<'s, K, V, W> = (Coming<'s, K, JoinSide<V, W>>, Coming<'s, K, JoinSide<V, W>>);

/// What two streams make together by [`meet`], renewed as `rhythm` says.
fn met<'s, K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Record>>(
    (left, right): Sides<'s, K, V, W>,
    spans: (Retention<V>, Retention<W>),
    rhythm: Rhythm,
    how: J,
) -> Stream<'s, J::Out, Table> {
    let Coming { records, id, job, rhythm: one } = left;
    job.depends_on_order(J::WHOLE);
    let times = JoinTimes { sides: [one, right.rhythm], made: rhythm.clone() };
    let relation = meet(records.concat(right.records), spans, times, id, job.clone(), how);
    Stream::new(relation, id, job, rhythm)
}

/// The same, as the batches of the stream that is looked up in the other.
fn looked_up<'s, K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Record>>(
    sides: Sides<'s, K, V, W>,
    spans: (Retention<V>, Retention<W>),
    rhythm: Rhythm,
    how: J,
) -> Stream<'s, J::Out> {
    let mut made = Table::contents(met(sides, spans, rhythm.clone(), how));
    made.rhythm = rhythm;
    made
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// For each key of either stream, the values that it has in both.
    ///
    /// State: both batches, until they close; the records in windows and histories; of a batch that is looked up in a table, the
    /// table. Cost: the keys that changed, with all their values.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn both<views: Source<(u64, String)>, buys: Source<(u64, i64)>, out: Sink<(u64, (Vec<String>, Vec<i64>))>>() {
    ///         views.cogroup(buys).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn cogroup<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, Groups<V, W>), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Cogroup, Out = R> + Arrives,
    {
        P::join(self, other, Cogroup)
    }

    /// Each pair of records that share a key; duplicates make a pair each.
    ///
    /// | of | pairs | cost |
    /// |---|---|---|
    /// | two batches | those within the batch | the batch |
    /// | two windows or tables | all pairs of both contents, kept up to date | the pairs that come and go |
    /// | a batch with a window, a table or a snapshot | those of the batch with the contents as of their last renewal | the batch's pairs |
    ///
    /// The last one is a look-up in a table that changes. See
    /// [streams with different rhythms](crate::guide::semantics#streams-with-different-rhythms).
    ///
    /// State: both batches, until they close; the records in windows and histories; of a batch that is looked up in a table or a
    /// snapshot, the table.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn matched<shown: Source<(u64, u32)>, clicked: Source<(u64, i64)>, out: Sink<(u64, (u32, i64))>>() {
    ///         shown.join(clicked).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, (V, W)), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<Inner>, Out = R>,
    {
        P::join(self, other, Pairs(Inner))
    }

    /// As [`join`](Stream::join), and each record of this stream whose key the other has not, with `None`.
    ///
    /// State: both batches, until they close; of windows and histories the records in them; of a batch looked up in a
    /// table, the table.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn kept<orders: Source<(u64, i64)>, names: Source<(u64, String)>, out: Sink<(u64, (i64, Option<String>))>>() {
    ///         orders.left_join(names).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn left_join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, (V, Option<W>)), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<LeftOuter>, Out = R>,
    {
        P::join(self, other, Pairs(LeftOuter))
    }

    /// As [`join`](Stream::join), and each record of the other stream whose key this one has not, with `None`.
    ///
    /// State: both batches, until they close; of windows and histories the records in them; of a batch looked up in a
    /// table, the table.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn kept<names: Source<(u64, String)>, orders: Source<(u64, i64)>, out: Sink<(u64, (Option<String>, i64))>>() {
    ///         names.right_join(orders).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn right_join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, (Option<V>, W)), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<RightOuter>, Out = R>,
    {
        P::join(self, other, Pairs(RightOuter))
    }

    /// As [`join`](Stream::join), and each record of either stream whose key the other has not, with `None`.
    ///
    /// State: both batches, until they close; of windows and histories the records in them; of a batch looked up in a
    /// table, the table.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn all<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (Option<i64>, Option<i64>))>>() {
    ///         a.full_join(b).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn full_join<K: Key, V: Record, W: Record, U, Q: StreamKind, D: Chain<Out = U>, R: StreamKind>(
        self,
        other: Stream<'s, U, Q, D>,
    ) -> Stream<'s, (K, Outer<V, W>), R>
    where
        T: Keyed<K, V>,
        U: Meets<K, W> + 'static,
        P: Joins<Q, K, V, W, Pairs<FullOuter>, Out = R>,
    {
        P::join(self, other, Pairs(FullOuter))
    }

    /// The records whose key is in the other stream, a stream of keys. For Spark's `intersection`, which keeps each record once, add
    /// `.distinct()`.
    ///
    /// State: as [`join`](Stream::join).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn checked<clicks: Source<(u64, String)>, known: Source<u64>, out: Sink<(u64, String)>>() {
    ///         clicks.semijoin(known.window(minutes(1), secs(1))).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn semijoin<K: Key, V: Record, Q: StreamKind, D: Chain<Out = K>, R: StreamKind>(
        self,
        keys: Stream<'s, K, Q, D>,
    ) -> Stream<'s, (K, V), R>
    where
        T: Keyed<K, V>,
        P: Joins<Q, K, V, (), Pairs<Semi>, Out = R>,
    {
        P::join(self, keys.map(|key| (key, ())), Pairs(Semi))
    }

    /// The records whose key is not in the other stream, a stream of keys: Spark's `subtract` on whole records is `.map(|record| (record, ())).antijoin(others)`.
    ///
    /// State: as [`join`](Stream::join).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn checked<clicks: Source<(u64, String)>, blocked: Source<u64>, out: Sink<(u64, String)>>() {
    ///         clicks.antijoin(blocked.window(minutes(1), secs(1))).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn antijoin<K: Key, V: Record, Q: StreamKind, D: Chain<Out = K>, R: StreamKind>(
        self,
        keys: Stream<'s, K, Q, D>,
    ) -> Stream<'s, (K, V), R>
    where
        T: Keyed<K, V>,
        P: Joins<Q, K, V, (), Pairs<Anti>, Out = R>,
    {
        P::join(self, keys.map(|key| (key, ())), Pairs(Anti))
    }
}
