//! The lowering of loops to differential collections.
//!
//! What goes round in a loop is a collection of updates, and its operators are differential's on arrangements. The
//! streams of a loop have the round in their time. [`Table`] streams become collections whose time is the batch where
//! they enter a loop, and what leaves one becomes a kept stream.
//!
//! Arrangements hold values in the order of `Ord`. In a loop there is no other: a value that goes round arrives anew in
//! each round. So what depends on the order of arrival is refused there.

use std::{collections::HashMap, convert::Infallible, fmt::Debug, marker::PhantomData, rc::Rc};

use differential_dataflow::{
    AsCollection, VecCollection,
    lattice::Lattice,
    operators::arrange::{Arranged, TraceAgent},
    trace::implementations::{ValBuilder, ValSpine},
};
use timely::{
    dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator},
    order::Product,
    progress::Timestamp,
};

use crate::{
    aggregate::Aggregate,
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    observe::operator_stats::{Held, OperatorStats, made},
    operators::kernel::{
        exchange::Exchange,
        output::Output,
        per_epoch::epoch_of,
        stateful::{StatefulOperator, stateful},
    },
    panic_origin::{Why, fail, named},
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        context::{BatchContext, JobContext},
        copies::{Copies, checked, repeated},
        held::{Relation, Updates},
        kind::{Holding, StreamKind, Table},
    },
    timeline::rhythm::Rhythm,
};

/// A record that can be taken back: it can be compared and ordered.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept up to date here",
    label = "records of this stream are taken back when they change, so `{Self}` needs `Eq`, `Hash`, `Ord` and `Debug`",
    note = "derive `PartialEq, Eq, Hash, PartialOrd, Ord, Debug` on it; for a float use its bits or round it to an integer first; or work on whole batches: `.snapshot()` before this operator"
)]
pub trait Comparable: Key + Ord + Debug {}
#[diagnostic::do_not_recommend]
impl<T: Key + Ord + Debug> Comparable for T {}

/// The time of a collection: a batch, and the round of each loop around.
#[doc(hidden)]
pub trait Moment: Timestamp + Lattice {}
impl<T: Timestamp + Lattice> Moment for T {}

/// The time inside of a loop: the one outside, and the round.
pub(crate) type Inside<M> = Product<M, u64>;

/// A stream inside a loop: what the loop has made so far. `M` is the time outside of the loop.
#[derive(Debug)]
pub struct Looped<M>(PhantomData<M>);

impl<M: Moment> StreamKind for Looped<M> {}

impl<M: Moment> Holding for Looped<M> {
    type Held<'s, In: 'static> = Updates<'s, Inside<M>, In>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In> {
        held.clone()
    }
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out> {
        chain.realise_updates(held, id)
    }
    fn settled<'s, In: 'static>(held: Self::Held<'s, In>) -> Self::Held<'s, In> {
        Updates { settled: true, ..held }
    }
}

/// The changes of a kept stream as a collection.
pub(crate) fn collection<'s, T: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Table, C>,
) -> VecCollection<'s, Epoch, T, Copies> {
    let Stream { held, mut chain, id, .. } = stream;
    held.wants.want_changes();
    let updates = held.changes.unary(Pipeline, id.0, move |_, _| {
        let stats = OperatorStats::of(id);
        move |input, output| {
            let _runs = stats.runs();
            named(id, || {
                input.for_each(|time, changes| {
                    let at = epoch_of(&time);
                    let mut session = output.session(&time);
                    for (record, times) in changes.drain(..) {
                        chain.push(record, &mut |record| session.give((record, at, Copies::new(times))));
                    }
                });
            });
        }
    });
    updates.as_collection()
}

/// A collection as a kept stream. Its contents are summed up only if they are wanted.
pub(crate) fn relation<'s, T: Comparable>(
    collection: VecCollection<'s, Epoch, T, Copies>,
    rhythm: Rhythm,
    id: OpId,
    job: Rc<JobContext>,
) -> Relation<'s, T> {
    // Updates may travel with others that are earlier; each goes to its own batch.
    let changes: StreamVec<'s, Epoch, (T, i64)> = collection.inner.unary(Pipeline, "Changes", |_, _| {
        move |input, output| {
            input.for_each(|time, updates: &mut Vec<(T, Epoch, Copies)>| {
                updates.sort_by_key(|(_, at, _)| *at);
                let mut updates = updates.drain(..).peekable();
                while let Some(&(_, epoch, _)) = updates.peek() {
                    let time = time.delayed(&epoch, 0);
                    let mut session = output.session(&time);
                    while let Some((record, _, times)) = updates.next_if(|(_, at, _)| *at == epoch) {
                        session.give((record, times.get(id)));
                    }
                }
            });
        }
    });
    let contents = HashMap::default();
    let operator = Contents { contents, rhythm, id };
    // What is added on one worker may be taken back on another: an antijoin does.
    let owners = job.owners.clone();
    stateful(changes, Exchange::new(move |(record, _): &(T, i64)| owners.of(record)), id, job, operator)
}

/// The sum of the changes of a collection. It is not in the checkpoint: a restored job computes it again.
struct Contents<T> {
    contents: HashMap<T, i64, foldhash::fast::RandomState>,
    rhythm: Rhythm,
    id: OpId,
}

impl<T: Comparable> Contents<T> {
    /// Sums up what the batch changes.
    fn take_in(&mut self, batch: &mut Vec<(T, i64)>, output: &mut Output<T>) {
        // The same record may have come and gone on its way here.
        batch.sort_unstable();
        for (record, times) in batch.drain(..) {
            match output.changes.last_mut() {
                Some((last, sum)) if *last == record => *sum = checked(self.id, sum.checked_add(times)),
                _ => output.changes.push((record, times)),
            }
        }
        output.changes.retain(|(_, times)| *times != 0);
        if output.wants.contents() {
            for (record, times) in &output.changes {
                let sum = self.contents.entry(record.clone()).or_default();
                *sum = checked(self.id, sum.checked_add(*times));
                if *sum == 0 {
                    self.contents.remove(record);
                } else if *sum < 0 {
                    fail(self.id, Why::never_said(record));
                }
            }
        }
        output.held = Held::new(self.contents.len(), self.contents.capacity() * size_of::<(T, i64)>());
    }
}

impl<T: Comparable> StatefulOperator for Contents<T> {
    type In = (T, i64);
    type Out = T;
    type Emitted = Infallible;

    const KIND: &'static str = "contents";

    fn shape(&self) -> Option<StateShape> {
        None
    }

    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<(T, i64)>,
        output: &mut Output<T>,
        _: &StateWriter,
    ) {
        self.take_in(batch, output);
        if output.wants_contents() && context.is_due(&self.rhythm) {
            let all = self.contents.iter();
            output.contents.extend(all.flat_map(|(record, times)| repeated(self.id, record, *times)));
            if context.job.is_ordered.get() {
                // A loop has no order of arrival, so the order is made the same for every run.
                output.contents.sort_unstable();
            }
        }
        if !output.wants_changes() {
            output.changes.clear();
        }
    }

    fn restore(
        &mut self,
        _: BatchContext<'_>,
        batch: &mut Vec<(T, i64)>,
        output: &mut Output<T>,
        _: &StateWriter,
    ) {
        self.take_in(batch, output);
        let Output { changes, contents, .. } = output;
        contents.extend(changes.iter().flat_map(|(record, times)| repeated(self.id, record, *times)));
    }
}

/// The trace of pairs by key.
pub(crate) type ByKeyTrace<M, K, V> = TraceAgent<ValSpine<K, V, M, Copies>>;

/// What an aggregate makes of the values of each key.
pub(crate) fn aggregate_arranged<
    's,
    M: Moment,
    K: Comparable,
    V: Comparable,
    G: Aggregate<V, Result: Comparable>,
>(
    pairs: Arranged<'s, ByKeyTrace<M, K, V>>,
    aggregate: G,
    id: OpId,
) -> VecCollection<'s, M, (K, G::Result), Copies> {
    let stats = OperatorStats::of(id);
    let made = reduce(pairs, id.0, move |values, results| {
        let _runs = stats.runs_briefly();
        named(id, || {
            // In a loop a value may be taken back before it is known to be there; then it is not there.
            let all = values.iter().flat_map(|(value, times)| repeated(id, *value, times.get(id)));
            let whole = all.fold(None, |whole, value| {
                Some(match whole {
                    None => aggregate.create(value),
                    Some(whole) => aggregate.add(whole, value),
                })
            });
            results.extend(whole.map(|whole| (aggregate.result(whole), Copies::ONE)));
        });
    });
    made.as_collection(|key, result| (key.clone(), result.clone()))
}

/// What `f` makes of the values of each key, by key.
pub(crate) fn reduce<'s, M: Moment, K: Comparable, V: Comparable, R: Comparable>(
    pairs: Arranged<'s, ByKeyTrace<M, K, V>>,
    name: &'static str,
    mut f: impl FnMut(&[(&V, Copies)], &mut Vec<(R, Copies)>) + 'static,
) -> Arranged<'s, ByKeyTrace<M, K, R>> {
    let f = move |_: &K, values: &[(&V, Copies)], results: &mut Vec<(R, Copies)>| f(values, results);
    made(OpId(name), size_of::<((K, R), M, Copies)>(), || {
        pairs.reduce_abelian::<_, ValBuilder<K, R, M, Copies>, ValSpine<K, R, M, Copies>, _, _>(
            name,
            f,
            |updates, key, made| {
                updates.clear();
                let all = made.drain(..).map(|(value, time, times)| ((key.clone(), value), time, times));
                updates.extend(all);
            },
        )
    })
}
