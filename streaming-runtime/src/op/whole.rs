//! Operators that make one value of a batch.

use std::rc::Rc;

use timely::dataflow::channels::pact::{Exchange, Pipeline};

use super::per_epoch::{Answers, per_epoch};
use crate::{
    blame::named,
    record::Record,
    stream::{Chain, PerBatch, Stream},
};

impl<'s, T: 'static, C: Chain<Out = T>> Stream<'s, T, PerBatch, C> {
    /// The number of records of each batch; 0 for an empty one. State: one number.
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
    pub fn count(self) -> Stream<'s, i64> {
        let Stream { root, mut chain, id, job, .. } = self;
        let add = move |n: &mut i64, records: &mut Vec<C::In>| {
            for record in records.drain(..) {
                chain.push(record, &mut |_| *n += 1);
            }
        };
        let here = per_epoch(root, Pipeline, id, Answers::WhenFed, add, |n, out| out.push(std::mem::take(n)));
        let answers = if job.worker == 0 { Answers::Always } else { Answers::WhenFed };
        let total = per_epoch(
            here,
            Exchange::new(|_: &i64| 0),
            id,
            answers,
            |n: &mut i64, parts| *n += parts.drain(..).sum::<i64>(),
            |n, out| out.push(std::mem::take(n)),
        );
        Stream::<T, PerBatch, C>::rooted(job, id, total)
    }

    /// All records of a batch merged by `f`, which must be associative and commutative; nothing for an
    /// empty batch. State: one record.
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
    pub fn reduce(self, f: impl Fn(T, T) -> T + 'static) -> Stream<'s, T>
    where
        T: Record,
    {
        let Stream { root, mut chain, id, job, .. } = self;
        let f = Rc::new(f);
        let g = f.clone();
        let merge = move |whole: &mut Option<T>, record: T| {
            *whole = Some(match whole.take() {
                Some(old) => named(id, || g(old, record)),
                None => record,
            });
        };
        let merge_here = merge.clone();
        let add = move |whole: &mut Option<T>, records: &mut Vec<C::In>| {
            for record in records.drain(..) {
                chain.push(record, &mut |record| merge_here(whole, record));
            }
        };
        let here =
            per_epoch(root, Pipeline, id, Answers::WhenFed, add, |whole, out| out.extend(whole.take()));
        let total = per_epoch(
            here,
            Exchange::new(|_: &T| 0),
            id,
            Answers::WhenFed,
            move |whole: &mut Option<T>, parts| parts.drain(..).for_each(|part| merge(whole, part)),
            |whole, out| out.extend(whole.take()),
        );
        Stream::<T, PerBatch, C>::rooted(job, id, total)
    }
}
