//! Operators that make one value of a batch.

use std::rc::Rc;

use timely::dataflow::{
    StreamVec,
    channels::pact::{Exchange, Pipeline},
};

use crate::{
    aggregate::{Aggregate, Ordered, Reduce, SumOfCounts, top_k},
    ids::{Epoch, OpId},
    operators::{
        by_key::{ByKey, Slides},
        kernel::per_epoch::{Answers, per_epoch},
    },
    record::Record,
    stream::{
        Stream,
        chain::{Chain, Signed},
        context::{BatchContext, JobContext},
        held::Panes,
        kind::{PerBatch, StreamKind, Table, UnboundedTable, Windowed},
    },
    timeline::rhythm::Rhythm,
};

/// A stream whose records can be counted, and what the count holds of its past.
#[diagnostic::on_unimplemented(
    message = "the state of this stream can grow without bound",
    label = "nothing says how long it is kept",
    note = "say it before this operator: `.expire_after(minutes(30))`, or `.allow_unbounded(\"why\")` if it is meant to grow"
)]
pub trait Countable: StreamKind {
    #[doc(hidden)]
    type Out: StreamKind;
    #[doc(hidden)]
    fn count<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>)
    -> Stream<'s, i64, Self::Out>;
}

impl Countable for PerBatch {
    type Out = PerBatch;
    fn count<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, i64> {
        let Stream { held, mut chain, id, job, rhythm, .. } = stream;
        let add = move |n: &mut i64, records: &mut Vec<C::In>| {
            for record in records.drain(..) {
                chain.push(record, &mut |_| *n += 1);
            }
        };
        let here = per_epoch(held, Pipeline, id, job.clone(), Answers::WhenFed, add, |_, n, out| {
            out.push(std::mem::take(n))
        });
        total(here, false, id, job, rhythm)
    }
}

impl Countable for Table {
    type Out = PerBatch;
    fn count<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, i64> {
        let Stream { held, chain, id, job, rhythm, .. } = stream;
        held.wants.want_changes();
        let mut chain = Signed(chain);
        let add = move |n: &mut i64, changes: &mut Vec<(C::In, i64)>| {
            for change in changes.drain(..) {
                chain.push(change, &mut |(_, times)| *n += times);
            }
        };
        let close = |_: BatchContext<'_>, n: &mut i64, out: &mut Vec<i64>| out.push(std::mem::take(n));
        let here = per_epoch(held.changes, Pipeline, id, job.clone(), Answers::WhenFed, add, close);
        total(here, true, id, job, rhythm)
    }
}

/// The sum of what the workers counted in a batch, or if it `accumulates`, so far. One for each batch that is due.
fn total<'s>(
    here: StreamVec<'s, Epoch, i64>,
    accumulates: bool,
    id: OpId,
    job: Rc<JobContext>,
    rhythm: Rhythm,
) -> Stream<'s, i64> {
    let answers = if job.worker == 0 { Answers::Always } else { Answers::WhenFed };
    let due = rhythm.clone();
    let mut before = 0;
    let total = per_epoch(
        here,
        Exchange::new(|_: &i64| 0),
        id,
        job.clone(),
        answers,
        |n: &mut i64, parts| *n += parts.drain(..).sum::<i64>(),
        move |context, n, out| {
            let n = before + std::mem::take(n);
            if context.is_due(&due) {
                out.push(n);
            }
            before = if accumulates { n } else { 0 };
        },
    );
    Stream::new(total, id, job, rhythm)
}

impl Countable for Windowed {
    type Out = Table;
    fn count<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, i64, Table> {
        let Stream { held, chain, id, job, rhythm, .. } = stream;
        let batches = Stream::<T, PerBatch, C>::with(held.batches, chain, id, job, Rhythm::of_batches());
        // Each batch has a count, if of nothing, so the window always has one too.
        let mut counts =
            batches.count().map(|n| ((), n)).on::<Windowed>(|batches| Panes { batches, size: held.size });
        counts.rhythm = rhythm;
        <Windowed as ByKey<(), i64, i64>>::aggregate(counts, SumOfCounts).map(|((), n)| n).share()
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Counts the records of each batch or window; 0 if it is empty. Of a table, it counts the contents, at each renewal.
    ///
    /// State: one number, and on windows one per pane. Cost: the batch; of a table what changed.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn rate<events: Source<String>, per_second: Sink<i64>>() {
    ///         events.count().to(per_second);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn count<Q: StreamKind>(self) -> Stream<'s, i64, Q>
    where
        P: Countable<Out = Q>,
    {
        P::count(self)
    }

    /// Merges all records of a batch or a window with `f`, which must be associative and, with several workers, commutative. An
    /// empty one delivers nothing. State: one record, and on windows two per pane. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn highest<prices: Source<u64>, out: Sink<u64>>() {
    ///         prices.reduce(|a, b| a.max(b)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn reduce<Q: StreamKind>(self, f: impl Fn(T, T) -> T + 'static) -> Stream<'s, T, Q>
    where
        T: Record,
        P: ByKey<(), T, T, Out = Q>,
    {
        self.aggregate(Reduce(f))
    }

    /// Aggregates all records of a batch or a window: with a [named aggregate](crate::aggregate), several of them as a tuple, or your
    /// own [`Aggregate`]. An empty one delivers nothing.
    ///
    /// State: one accumulator, and on windows one or two per pane, by the aggregate. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::{aggregate::{count, max, min}, prelude::*};
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn prices<prices: Source<i64>, out: Sink<(i64, i64, i64)>>() {
    ///         prices.aggregate((count(), min(), max())).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn aggregate<G: Aggregate<T>, Q: StreamKind>(self, aggregate: G) -> Stream<'s, G::Result, Q>
    where
        T: Record,
        P: ByKey<(), T, G::Result, Out = Q>,
    {
        P::aggregate(self.map(|record| ((), record)), aggregate).map(|((), result)| result).share()
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Spark's `reduceByWindow` with an inverse: `f` merges records that enter the window, `inverse` undoes records that leave.
    /// Nothing is delivered before the first record. From then on there is always a value: for an empty window what `inverse` leaves
    /// (a sum of 0). So say how long it stays: `.expire_after(..)` or `.allow_unbounded("why")`.
    ///
    /// State: one value, and one per pane that has records. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn turnover<amounts: Source<i64>, out: Sink<i64>>() {
    ///         let minute = amounts.window(minutes(1), secs(1));
    ///         minute.reduce_with_inverse(|a, b| a + b, |a, b| a - b).allow_unbounded("one number").to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn reduce_with_inverse(
        self,
        f: impl Fn(T, T) -> T + 'static,
        inverse: impl Fn(T, T) -> T + 'static,
    ) -> Stream<'s, T, UnboundedTable>
    where
        T: Record,
        P: Slides,
    {
        self.map(|record| ((), record))
            .reduce_by_key_with_inverse(f, inverse)
            .map(|((), value)| value)
            .share()
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// The `k` largest records of a batch or a window as one list, largest first. An empty one delivers nothing. By key, use
    /// [`aggregate_by_key(top_k(k))`](crate::aggregate::top_k()).
    ///
    /// State: `k` records, and on windows two times `k` per pane. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// The ten words that occur most in the last minute.
    ///     #[batch(secs(1))]
    ///     fn trending<words: Source<String>, out: Sink<Vec<(i64, String)>>>() {
    ///         let counts = words.window(minutes(1), secs(1)).count_by_value().snapshot();
    ///         counts.map(|(word, n)| (n, word)).top_k(10).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn top_k<Q: StreamKind>(self, k: usize) -> Stream<'s, Vec<T>, Q>
    where
        T: Record + Ordered,
        P: ByKey<(), T, Vec<T>, Out = Q>,
    {
        self.aggregate(top_k(k))
    }
}
