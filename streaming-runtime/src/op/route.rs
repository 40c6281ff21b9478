//! Operators that move records without looking into them.

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        channels::pact::{Exchange, Pipeline},
        operators::{
            core::Concat,
            generic::{OutputBuilder, builder_rc::OperatorBuilder, operator::Operator},
        },
    },
};

use crate::{
    blame::named,
    record::Record,
    stream::{Chain, Stream},
};

impl<'s, T: 'static, P, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// The records of both streams, duplicates kept. State: none.
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
    pub fn union<D: Chain<Out = T>>(self, other: Stream<'s, T, P, D>) -> Stream<'s, T, P>
    where
        T: Record,
    {
        let id = self.id;
        let (left, right) = (self.share(), other.at(id).share());
        Self::rooted(left.job, id, left.root.concat(right.root))
    }

    /// Parts the stream in two: the records for which `f` holds, and the rest. State: none.
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
    pub fn split(self, mut f: impl FnMut(&T) -> bool + 'static) -> (Stream<'s, T, P>, Stream<'s, T, P>)
    where
        T: Record,
    {
        let Stream { root, mut chain, id, job, .. } = self;
        let mut builder = OperatorBuilder::new(id.0.to_owned(), root.scope());
        let mut input = builder.new_input(root, Pipeline);
        let (holds, holds_root) = builder.new_output::<Vec<T>>();
        let (rest, rest_root) = builder.new_output::<Vec<T>>();
        let mut holds = OutputBuilder::<_, CapacityContainerBuilder<Vec<T>>>::from(holds);
        let mut rest = OutputBuilder::<_, CapacityContainerBuilder<Vec<T>>>::from(rest);
        builder.build(move |_| {
            move |_| {
                let (mut holds, mut rest) = (holds.activate(), rest.activate());
                named(id, || {
                    input.for_each(|time, records| {
                        let (holds_time, rest_time) = (time.retain(0), time.retain(1));
                        let mut holds = holds.session(&holds_time);
                        let mut rest = rest.session(&rest_time);
                        for record in records.drain(..) {
                            chain.push(record, &mut |record| match f(&record) {
                                true => holds.give(record),
                                false => rest.give(record),
                            });
                        }
                    });
                });
            }
        });
        (Self::rooted(job.clone(), id, holds_root), Self::rooted(job, id, rest_root))
    }

    /// Deals the records out evenly over the first `workers` workers, or over all if there are fewer: for
    /// when one worker gets more than its share and what follows is expensive. State: none.
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
    pub fn repartition(self, workers: usize) -> Stream<'s, T, P>
    where
        T: Record,
    {
        let id = self.id;
        let shared = self.share();
        if shared.job.workers == 1 {
            return shared;
        }
        let over = workers.clamp(1, shared.job.workers) as u64;
        let mut turn = 0;
        let deal = Exchange::new(move |_: &T| {
            turn = (turn + 1) % over;
            turn
        });
        let dealt = shared.root.unary(deal, id.0, |_, _| {
            move |input, output| {
                input.for_each(|time, records| output.session(&time).give_container(records));
            }
        });
        Self::rooted(shared.job, id, dealt)
    }
}
