//! How two streams are joined, by what they hold.

use timely::dataflow::{StreamVec, operators::core::Concat};

use std::rc::Rc;

use crate::{
    ids::{Epoch, OpId},
    observe::operator_stats::made,
    operators::{
        by_key::ByKey,
        join::{kind::Cogroup, looped::Collects},
        kernel::{
            differential::{Comparable, Looped, Moment},
            hash_join::{
                JoinLogic, JoinSide, JoinTimes, hash_join, retention::Retention, retraction::Retraction,
            },
        },
        window::Materialize,
    },
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        context::JobContext,
        copies::Copies,
        held::Updates,
        keyed::Keyed,
        kind::{PerBatch, StreamKind, Table, Windowed},
    },
    timeline::rhythm::Rhythm,
};

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
        logic: J,
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
    ([$($generics:tt)*] $left:ty, $right:ty => $out:ty, ($($bound:tt)*), |$a:ident, $b:ident, $logic:ident| $body:expr) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)* K, V, W, J> Joins<$right, K, V, W, J> for $left
        where
            $($bound)*
        {
            type Out = $out;
            fn join<'s, T, U, C, D>(
                $a: Stream<'s, T, $left, C>,
                $b: Stream<'s, U, $right, D>,
                $logic: J,
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

joins!([] PerBatch, PerBatch => PerBatch, (J: JoinLogic<K, V, W>,), |left, right, logic| {
    let (id, one, other) = (left.id, &left.rhythm, &right.rhythm);
    let stand = (one.stands(), other.stands());
    if !one.is_with(other) && stand != (false, false) {
        let rhythm = match stand {
            (true, true) => one.or(other).standing(),
            (true, false) => other.clone(),
            (false, _) => one.clone(),
        };
        let sides = (batches(left, JoinSide::Left), batches(right, JoinSide::Right));
        return looked_up(sides, (Retention::Batch, Retention::Batch), rhythm, logic);
    }
    left.job.depends_on_order(J::WHOLE);
    let left = left.map(|record| with_side(record, JoinSide::<V, W>::Left));
    let right = right.map(|record| with_side(record, JoinSide::<V, W>::Right));
    let groups = PerBatch::aggregate(left.union(right.at(id)), Cogroup);
    let made = groups.flat_map(move |(key, (left, right)), out| {
        logic.all(&key, &left.into(), &right.into(), &mut |made| out.extend([made]));
    });
    made.share()
});
joins!([] PerBatch, Windowed => PerBatch, (J: JoinLogic<K, V, W>,), |left, right, logic| {
    let (retention, rhythm) = (Retention::Window(right.held.size), left.rhythm.clone());
    looked_up((batches(left, JoinSide::Left), windows(right, JoinSide::Right)), (Retention::Batch, retention), rhythm, logic)
});
joins!([] Windowed, PerBatch => PerBatch, (J: JoinLogic<K, V, W>,), |left, right, logic| {
    let (retention, rhythm) = (Retention::Window(left.held.size), right.rhythm.clone());
    looked_up((windows(left, JoinSide::Left), batches(right, JoinSide::Right)), (retention, Retention::Batch), rhythm, logic)
});
joins!([] Windowed, Windowed => Table, (J: JoinLogic<K, V, W>,), |left, right, logic| {
    let retentions = (Retention::Window(left.held.size), Retention::Window(right.held.size));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    joined((windows(left, JoinSide::Left), windows(right, JoinSide::Right)), retentions, rhythm, logic)
});
joins!([] PerBatch, Table => PerBatch, (W: Comparable, J: JoinLogic<K, V, W>,), |left, right, logic| {
    let (retentions, rhythm) = ((Retention::Batch, Retention::Table(Retraction::new())), left.rhythm.clone());
    looked_up((batches(left, JoinSide::Left), changes(right, JoinSide::Right)), retentions, rhythm, logic)
});
joins!([] Table, PerBatch => PerBatch, (V: Comparable, J: JoinLogic<K, V, W>,), |left, right, logic| {
    let (retentions, rhythm) = ((Retention::Table(Retraction::new()), Retention::Batch), right.rhythm.clone());
    looked_up((changes(left, JoinSide::Left), batches(right, JoinSide::Right)), retentions, rhythm, logic)
});
joins!([] Table, Table => Table, (K: Comparable, V: Comparable, W: Comparable, J: JoinLogic<K, V, W>,), |left, right, logic| {
    let retentions = (Retention::Table(Retraction::new()), Retention::Table(Retraction::new()));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    joined((changes(left, JoinSide::Left), changes(right, JoinSide::Right)), retentions, rhythm, logic)
});
joins!([] Windowed, Table => Table, (K: Comparable, V: Comparable, W: Comparable, J: JoinLogic<K, V, W>,), |left, right, logic| {
    let retentions = (Retention::Window(left.held.size), Retention::Table(Retraction::new()));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    joined((windows(left, JoinSide::Left), changes(right, JoinSide::Right)), retentions, rhythm, logic)
});
joins!([] Table, Windowed => Table, (K: Comparable, V: Comparable, W: Comparable, J: JoinLogic<K, V, W>,), |left, right, logic| {
    let retentions = (Retention::Table(Retraction::new()), Retention::Window(right.held.size));
    let rhythm = left.rhythm.or(&right.rhythm).standing();
    joined((changes(left, JoinSide::Left), windows(right, JoinSide::Right)), retentions, rhythm, logic)
});
joins!([M: Moment,] Looped<M>, Looped<M> => Looped<M>, (K: Comparable, V: Comparable, W: Comparable, J: Collects<K, V, W, Out: Comparable>,), |left, right, logic| {
    let (left, right) = (left.map(Keyed::part).share(), right.map(Keyed::part).share());
    let (id, rhythm) = (left.id, left.rhythm.or(&right.rhythm));
    let made = made(id, 0, || {
        let (left, right) = (left.held.collection, right.held.collection);
        let left = made(id, size_of::<((K, V), M, Copies)>(), || left.arrange_by_key());
        let right = made(id, size_of::<((K, W), M, Copies)>(), || right.arrange_by_key());
        logic.collect(left, right, id)
    });
    Stream::new(Updates { collection: made, settled: false }, left.id, left.job, rhythm)
});

fn with_side<T: Keyed<K, V>, K, V, S>(record: T, side: impl Fn(V) -> S) -> (K, S) {
    let (key, value) = record.part();
    (key, side(value))
}

/// A stream of values, each with its key, its side, and how often it is there more.
struct SideChanges<'s, K: 'static, S: 'static> {
    records: StreamVec<'s, Epoch, (K, S, i64)>,
    id: OpId,
    job: Rc<JobContext>,
    rhythm: Rhythm,
}

fn batches<'s, T, K: Record, V: Record, S: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, PerBatch, C>,
    side: impl Fn(V) -> S + 'static,
) -> SideChanges<'s, K, S>
where
    T: Keyed<K, V> + 'static,
{
    let sided = stream.map(move |record| {
        let (key, value) = with_side(record, &side);
        (key, value, 1)
    });
    let Stream { held, id, job, rhythm, .. } = sided.share();
    SideChanges { records: held, id, job, rhythm }
}

fn windows<'s, T, K: Record, V: Record, S: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Windowed, C>,
    side: impl Fn(V) -> S + 'static,
) -> SideChanges<'s, K, S>
where
    T: Keyed<K, V> + 'static,
{
    batches(stream.on(|panes| panes.batches), side)
}

fn changes<'s, T, K: Record, V: Record, S: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Table, C>,
    side: impl Fn(V) -> S + 'static,
) -> SideChanges<'s, K, S>
where
    T: Keyed<K, V> + 'static,
{
    let sided = stream.map(move |record| with_side(record, &side)).changes();
    let Stream { held, id, job, rhythm, .. } = sided.map(|((key, value), times)| (key, value, times)).share();
    SideChanges { records: held, id, job, rhythm }
}

/// Both streams of a join, left and right.
type Sides<'s, K, V, W> = (SideChanges<'s, K, JoinSide<V, W>>, SideChanges<'s, K, JoinSide<V, W>>);

/// The result of a [`hash_join`], renewed at `rhythm`.
fn joined<'s, K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Record>>(
    (left, right): Sides<'s, K, V, W>,
    retentions: (Retention<V>, Retention<W>),
    rhythm: Rhythm,
    logic: J,
) -> Stream<'s, J::Out, Table> {
    let SideChanges { records, id, job, rhythm: one } = left;
    job.depends_on_order(J::WHOLE);
    let times = JoinTimes { sides: [one, right.rhythm], result: rhythm.clone() };
    let relation = hash_join(records.concat(right.records), retentions, times, id, job.clone(), logic);
    Stream::new(relation, id, job, rhythm)
}

/// The same, as the batches of the stream that is looked up in the other.
fn looked_up<'s, K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Record>>(
    sides: Sides<'s, K, V, W>,
    retentions: (Retention<V>, Retention<W>),
    rhythm: Rhythm,
    logic: J,
) -> Stream<'s, J::Out> {
    let mut made = Table::contents(joined(sides, retentions, rhythm.clone(), logic));
    made.rhythm = rhythm;
    made
}
