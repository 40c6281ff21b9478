//! Operators that move records without looking into them.

use std::{cell::RefCell, rc::Rc};

use differential_dataflow::AsCollection;
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{
            core::Concat,
            generic::{OutputBuilder, builder_rc::OperatorBuilder, operator::Operator},
        },
    },
    progress::Timestamp,
};

use crate::{
    ids::OpId,
    observe::operator_stats::{OperatorStats, made},
    operators::{
        kernel::{
            differential::{Inside, Looped, Moment},
            exchange::Exchange,
            standing::stand,
        },
        window::Batches,
    },
    panic_origin::named,
    record::Record,
    stream::{
        Stream,
        chain::{Chain, Ready},
        copies::Copies,
        held::{Panes, Relation, Updates, Wants},
        kind::{Holding, PerBatch, StreamKind, Table, UnboundedWindow, Windowed},
    },
};

/// Two parts of a stream.
pub(crate) type Parts<'s, P, A, B> = (<P as Holding>::Held<'s, A>, <P as Holding>::Held<'s, B>);

/// A stream that can be united with one of its kind, and parted.
#[diagnostic::on_unimplemented(
    message = "the state of this stream can grow without bound",
    label = "nothing says how long it is kept",
    note = "say it before this operator: `.expire_after(minutes(30))`, or `.allow_unbounded(\"why\")` if it is meant to grow"
)]
pub trait Routes: StreamKind {
    #[doc(hidden)]
    fn unite<'s, T: Record>(left: Stream<'s, T, Self>, right: Stream<'s, T, Self>) -> Self::Held<'s, T>;
}

/// A kind of stream that is that of another stream. Both stand here to be named.
#[diagnostic::on_unimplemented(
    message = "a stream that is `{P}` and one that is `{Self}` cannot be united",
    label = "one stream holds something from batch to batch that the other does not",
    note = "make both streams of batches before `.union(..)`: `.snapshot()` takes the contents of a window or of what is kept"
)]
#[doc(hidden)]
pub trait SameKind<P: StreamKind>: StreamKind {
    fn same<T: 'static>(stream: Stream<'_, T, Self>) -> Stream<'_, T, P>;
}
#[diagnostic::do_not_recommend]
impl<P: StreamKind> SameKind<P> for P {
    fn same<T: 'static>(stream: Stream<'_, T, P>) -> Stream<'_, T, P> {
        stream
    }
}

/// A stream that can be parted.
#[diagnostic::on_unimplemented(
    message = "the state of this stream can grow without bound",
    label = "nothing says how long it is kept",
    note = "say it before this operator: `.expire_after(minutes(30))`, or `.allow_unbounded(\"why\")` if it is meant to grow"
)]
pub trait Splits: StreamKind {
    /// What each part holds.
    #[doc(hidden)]
    type Part: StreamKind;
    /// Parts what `f` makes of the records: `Ok` goes to the first part, `Err` to the second. `same`: whether it leaves
    /// them as they are.
    #[doc(hidden)]
    fn part<'s, A: Record, B: Record, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        f: impl FnMut(C::Out) -> Result<A, B> + 'static,
        same: bool,
        id: OpId,
    ) -> Parts<'s, Self::Part, A, B>;
}

impl Routes for PerBatch {
    fn unite<'s, T: Record>(left: Stream<'s, T, Self>, right: Stream<'s, T, Self>) -> Self::Held<'s, T> {
        left.held.concat(right.held)
    }
}

impl Splits for PerBatch {
    type Part = Self;
    fn part<'s, A: Record, B: Record, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        f: impl FnMut(C::Out) -> Result<A, B> + 'static,
        _: bool,
        id: OpId,
    ) -> Parts<'s, Self, A, B> {
        part(held, chain, f, id)
    }
}

impl Routes for UnboundedWindow {
    fn unite<'s, T: Record>(left: Stream<'s, T, Self>, right: Stream<'s, T, Self>) -> Self::Held<'s, T> {
        left.held.concat(right.held)
    }
}

impl Routes for Windowed {
    fn unite<'s, T: Record>(left: Stream<'s, T, Self>, right: Stream<'s, T, Self>) -> Self::Held<'s, T> {
        let (one, other) = (left.held, right.held);
        assert!(
            one.size == other.size,
            "windows of {:?} and {:?} cannot be united: `.snapshot()` both, or give them one size",
            one.size,
            other.size
        );
        // What never leaves is the same whenever it is looked at.
        assert!(
            one.size.is_none() || left.rhythm.is_with(&right.rhythm),
            "windows that slide every {:?} and every {:?} cannot be united: `.snapshot()` both, or give them one slide",
            left.rhythm.step(left.job.interval),
            right.rhythm.step(left.job.interval)
        );
        Panes { batches: one.batches.concat(other.batches), size: one.size }
    }
}

impl Splits for Windowed {
    type Part = Self;
    fn part<'s, A: Record, B: Record, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        f: impl FnMut(C::Out) -> Result<A, B> + 'static,
        _: bool,
        id: OpId,
    ) -> Parts<'s, Self, A, B> {
        let (holds, rest) = part(held.batches, chain, f, id);
        (Panes { batches: holds, size: held.size }, Panes { batches: rest, size: held.size })
    }
}

impl Routes for Table {
    fn unite<'s, T: Record>(left: Stream<'s, T, Self>, right: Stream<'s, T, Self>) -> Self::Held<'s, T> {
        let rhythm = left.rhythm.or(&right.rhythm);
        let (left, right) = (stand(left, &rhythm), stand(right, &rhythm));
        Relation {
            contents: left.contents.concat(right.contents),
            changes: left.changes.concat(right.changes),
            wants: Wants::all(vec![left.wants, right.wants]),
        }
    }
}

impl Splits for Table {
    type Part = Self;
    fn part<'s, A: Record, B: Record, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        f: impl FnMut(C::Out) -> Result<A, B> + 'static,
        _: bool,
        id: OpId,
    ) -> Parts<'s, Self, A, B> {
        let Relation { contents, changes, wants, .. } = Table::realise(held, chain, id);
        let f = Rc::new(RefCell::new(f));
        let g = f.clone();
        let (contents, other_contents) =
            part(contents, Ready::new(), move |record: C::Out| f.borrow_mut()(record), id);
        let sort = move |(record, times): (C::Out, i64)| match g.borrow_mut()(record) {
            Ok(made) => Ok((made, times)),
            Err(made) => Err((made, times)),
        };
        let (changes, other_changes) = part(changes, Ready::new(), sort, id);
        (
            Relation { contents, changes, wants: wants.clone() },
            Relation { contents: other_contents, changes: other_changes, wants },
        )
    }
}

impl<M: Moment> Routes for Looped<M> {
    fn unite<'s, T: Record>(left: Stream<'s, T, Self>, right: Stream<'s, T, Self>) -> Self::Held<'s, T> {
        Updates { collection: left.held.collection.concat(right.held.collection), settled: false }
    }
}

impl<M: Moment> Splits for Looped<M> {
    type Part = Self;
    fn part<'s, A: Record, B: Record, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        mut f: impl FnMut(C::Out) -> Result<A, B> + 'static,
        same: bool,
        id: OpId,
    ) -> Parts<'s, Self, A, B> {
        let Updates { collection, settled } = Self::realise(held, chain, id);
        let sort = move |(record, time, times): (C::Out, Inside<M>, Copies)| match f(record) {
            Ok(made) => Ok((made, time, times)),
            Err(made) => Err((made, time, times)),
        };
        let (holds, rest) = part(collection.inner, Ready::new(), sort, id);
        // Records that were told apart may have become equal.
        let settled = settled && same;
        (
            Updates { collection: holds.as_collection(), settled },
            Updates { collection: rest.as_collection(), settled },
        )
    }
}

/// Parts what `f` makes of the records in two.
fn part<'s, M: Timestamp, A: Clone + 'static, B: Clone + 'static, C: Chain>(
    root: StreamVec<'s, M, C::In>,
    mut chain: C,
    mut f: impl FnMut(C::Out) -> Result<A, B> + 'static,
    id: OpId,
) -> (StreamVec<'s, M, A>, StreamVec<'s, M, B>) {
    let mut builder = OperatorBuilder::new(id.0.to_owned(), root.scope());
    let mut input = builder.new_input(root, Pipeline);
    let (holds, holds_root) = builder.new_output::<Vec<A>>();
    let (rest, rest_root) = builder.new_output::<Vec<B>>();
    let mut holds = OutputBuilder::<_, CapacityContainerBuilder<Vec<A>>>::from(holds);
    let mut rest = OutputBuilder::<_, CapacityContainerBuilder<Vec<B>>>::from(rest);
    let stats = OperatorStats::of(id);
    builder.build(move |_| {
        move |_| {
            let _runs = stats.runs();
            let (mut holds, mut rest) = (holds.activate(), rest.activate());
            named(id, || {
                input.for_each(|time, records| {
                    let (mut holds, mut rest) = (holds.session(&time), rest.session(&time));
                    for record in records.drain(..) {
                        chain.push(record, &mut |record| match f(record) {
                            Ok(made) => holds.give(made),
                            Err(made) => rest.give(made),
                        });
                    }
                });
            });
        }
    });
    (holds_root, rest_root)
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// The records of both streams, with duplicates. Streams of batches give those of each batch; tables give the contents of both
    /// whenever one of them is renewed, see
    /// [Streams with different rhythms](crate::guide::semantics#streams-with-different-rhythms). State: none; of tables
    /// that are not renewed together, the contents that stand meanwhile.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn both<web: Source<u64>, shop: Source<u64>, out: Sink<u64>>() {
    ///         web.union(shop).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    #[allow(clippy::multiple_bound_locations)] // `SameKind` has an error message of its own
    pub fn union<Q: StreamKind, D: Chain<Out = T>>(self, other: Stream<'s, T, Q, D>) -> Stream<'s, T, P>
    where
        T: Record,
        P: Routes,
        Q: SameKind<P>,
    {
        let id = self.id;
        let (job, rhythm) = (self.job.clone(), self.rhythm.or(&other.rhythm));
        let (left, right) = (self.share(), Q::same(other.at(id).share()));
        let held = named(id, || made(id, 0, || P::unite(left, right)));
        Stream::new(held, id, job, rhythm)
    }

    /// Splits the stream in two: the records for which `f` returns `true`, and the others. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn parted<orders: Source<i64>, large: Sink<i64>, rest: Sink<i64>>(limit: i64) {
    ///         let (above, below) = orders.split(move |&amount| amount > limit);
    ///         above.to(large);
    ///         below.to(rest);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn split<Q: StreamKind>(
        self,
        mut f: impl FnMut(&T) -> bool + 'static,
    ) -> (Stream<'s, T, Q>, Stream<'s, T, Q>)
    where
        T: Record,
        P: Splits<Part = Q>,
    {
        let Stream { held, chain, id, job, rhythm, .. } = self;
        let sort = move |record| if f(&record) { Ok(record) } else { Err(record) };
        let (holds, rest) = P::part(held, chain, sort, true, id);
        (Stream::new(holds, id, job.clone(), rhythm.clone()), Stream::new(rest, id, job, rhythm))
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Distributes the records evenly over the first `workers` workers, or over all if there are fewer. Use it when one worker gets
    /// more than its share and the next operators are expensive. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn spread<jobs: Source<u64>, out: Sink<u64>>() {
    ///         jobs.repartition(2).map(|n| n * n).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn repartition(self, workers: usize) -> Stream<'s, T>
    where
        T: Record,
        P: Batches,
    {
        let id = self.id;
        let shared = P::batches(self).share();
        if shared.job.workers == 1 {
            return shared;
        }
        let over = workers.clamp(1, shared.job.workers) as u64;
        let mut turn = 0;
        let deal = Exchange::new(move |_: &T| {
            turn = (turn + 1) % over;
            turn
        });
        let dealt = shared.held.unary(deal, id.0, |_, _| {
            move |input, output| {
                input.for_each(|time, records| output.session(&time).give_container(records));
            }
        });
        Stream::new(dealt, id, shared.job, shared.rhythm)
    }
}
