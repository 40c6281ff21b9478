//! Operators that show a whole batch to a function of the user's.
//!
//! All are `transform`: each worker sends its part of a batch, as one message, to one worker, which puts the parts
//! together in the workers' order. So what the function sees does not depend on which worker was faster.

use timely::dataflow::channels::pact::Pipeline;

use crate::{
    build_error::refuse,
    operators::{
        kernel::{
            exchange::Exchange,
            hash_join::JoinSide,
            per_epoch::{Answers, per_epoch},
            standing::stand_whole,
        },
        stateless::IntoRecords,
        window::Materialize,
    },
    panic_origin::named,
    record::Record,
    stream::{Stream, chain::Chain, kind::StreamKind},
    time::BatchTime,
};

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Replaces each batch by what `f` returns for its time and its records, for what no other operator does. `f` is called for
    /// empty batches, too; of a window or a table it gets the contents, whenever they are renewed.
    ///
    /// All records of a batch come to one worker. With one worker they are in order of arrival; with several, worker by worker, as
    /// in a sink.
    ///
    /// State: the batch, until it closes. Cost: the whole batch on one worker, so prefer operators by key where they do.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// The three highest prices of each batch, highest first, with the batch's time.
    ///     #[batch(secs(1))]
    ///     fn highest<prices: Source<u64>, out: Sink<(u64, u64)>>() {
    ///         let highest = prices.transform(|time, mut prices| {
    ///             prices.sort_by(|a, b| b.cmp(a));
    ///             prices.into_iter().take(3).map(move |price| (time.as_millis(), price))
    ///         });
    ///         highest.to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn transform<U: Record, I: IntoRecords<U>>(
        self,
        mut f: impl FnMut(BatchTime, Vec<T>) -> I + 'static,
    ) -> Stream<'s, U>
    where
        T: Record,
        P: Materialize,
    {
        let Stream { held, mut chain, id, job, rhythm, .. } = P::contents(self);
        let worker = job.worker;
        let parts = per_epoch(
            held,
            Pipeline,
            id,
            job.clone(),
            Answers::WhenFed,
            move |part: &mut Vec<T>, records| chain.gather(records, part),
            move |_, part, out| out.push((worker, std::mem::take(part))),
        );
        let due = rhythm.clone();
        let made = per_epoch(
            parts,
            Exchange::new(|_: &(usize, Vec<T>)| 0),
            id,
            job.clone(),
            if worker == 0 { Answers::Always } else { Answers::WhenFed },
            |parts: &mut Vec<(usize, Vec<T>)>, more| parts.append(more),
            move |context, parts, out| {
                let mut parts = std::mem::take(parts);
                if !context.is_due(&due) {
                    debug_assert!(parts.is_empty(), "records come in batches that renew their stream");
                    return;
                }
                let mut time = context.time;
                if context.is_restored {
                    // Batches of before were shown then; contents that stand are as of their last renewal.
                    if parts.is_empty() && !due.stands() {
                        return;
                    }
                    time = context.last_due(&due);
                }
                parts.sort_by_key(|(worker, _)| *worker);
                let batch = parts.into_iter().map(|(_, part)| part).reduce(|mut all, mut more| {
                    all.append(&mut more);
                    all
                });
                named(id, || out.extend(f(time, batch.unwrap_or_default())));
            },
        );
        Stream::new(made, id, job, rhythm)
    }

    /// As [`transform`](Stream::transform), for two streams: `f` is called whenever one of them is renewed, with what both have. Of a
    /// window or a table these are the contents as they stand; of a stream of batches, the records of the batch.
    ///
    /// State: both batches, until they close; contents that stand while the other stream is renewed. Cost: as `transform`.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Orders of customers who are not blocked in the same batch.
    ///     #[batch(secs(1))]
    ///     fn allowed<orders: Source<(u64, i64)>, blocked: Source<u64>, out: Sink<(u64, i64)>>() {
    ///         let allowed = orders.transform_with(blocked, |_, orders, blocked| {
    ///             orders.into_iter().filter(move |(customer, _)| !blocked.contains(customer))
    ///         });
    ///         allowed.to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn transform_with<U: Record, W: Record, I: IntoRecords<W>, Q: Materialize, D: Chain<Out = U>>(
        self,
        other: Stream<'s, U, Q, D>,
        mut f: impl FnMut(BatchTime, Vec<T>, Vec<U>) -> I + 'static,
    ) -> Stream<'s, W>
    where
        T: Record,
        P: Materialize,
    {
        let id = self.id;
        let left = P::contents(self).map(JoinSide::<T, U>::Left).share();
        let right = Q::contents(other).at(id).map(JoinSide::Right).share();
        let rhythm = left.rhythm.or(&right.rhythm);
        let (left, right) = (stand_whole(left, &rhythm), stand_whole(right, &rhythm));
        left.union(right).transform(move |time, records| {
            let (mut lefts, mut rights) = (Vec::new(), Vec::new());
            for record in records {
                match record {
                    JoinSide::Left(record) => lefts.push(record),
                    JoinSide::Right(record) => rights.push(record),
                }
            }
            f(time, lefts, rights)
        })
    }

    /// Cuts each batch into `partitions` contiguous parts of even length, and replaces each part by what `f` returns for it. Of `n`
    /// records, part `i` of `p` has those from `i * n / p` up to `(i + 1) * n / p`. Parts may be empty.
    ///
    /// The number of parts does not depend on the number of workers. Which records a part gets follows their order, which is that
    /// of [`transform`](Stream::transform). State: the batch, until it closes. Cost: as `transform`.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn sums<numbers: Source<i64>, out: Sink<i64>>() {
    ///         numbers.map_partitions(4, |part| [part.into_iter().sum::<i64>()]).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn map_partitions<U: Record, I: IntoRecords<U>>(
        self,
        partitions: usize,
        mut f: impl FnMut(Vec<T>) -> I + 'static,
    ) -> Stream<'s, U>
    where
        T: Record,
        P: Materialize,
    {
        if partitions == 0 {
            refuse(self.id, "a batch cannot be cut into no parts: give 1 or more");
        }
        self.transform(move |_, records| {
            let n = records.len();
            let mut records = records.into_iter();
            let mut made = Vec::new();
            for part in 0..partitions {
                let length = (part + 1) * n / partitions - part * n / partitions;
                made.extend(f(records.by_ref().take(length).collect()));
            }
            made
        })
    }

    /// Replaces each batch by its `partitions` parts, each a list; see [`map_partitions`](Stream::map_partitions). State: the batch,
    /// until it closes.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn batches<numbers: Source<i64>, out: Sink<Vec<i64>>>() {
    ///         numbers.glom(1).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn glom(self, partitions: usize) -> Stream<'s, Vec<T>>
    where
        T: Record,
        P: Materialize,
    {
        self.map_partitions(partitions, |part| [part])
    }
}
