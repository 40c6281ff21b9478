//! Keys of a batch: values are gathered where they are, and merged at the owner of their key until the batch closes.

use std::{marker::PhantomData, rc::Rc};

use timely::dataflow::{StreamVec, channels::pact::Pipeline};

use crate::{
    aggregate::Aggregate,
    ids::{Epoch, OpId},
    operators::{
        by_key::ByKey,
        kernel::{
            exchange::Exchange,
            key_map::{Combining, KeyMap},
            per_epoch::{Answers, per_epoch},
        },
    },
    panic_origin::named,
    record::{Key, Record},
    stream::{Stream, chain::Chain, context::JobContext, keyed::Keyed, kind::PerBatch},
};

#[diagnostic::do_not_recommend]
impl<K, V, R: Record> ByKey<K, V, R> for PerBatch {
    type Out = PerBatch;
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        aggregate: G,
    ) -> Stream<'s, (K, R), PerBatch>
    where
        K: Key,
        V: Record,
    {
        let Stream { held, chain, id, job, rhythm, .. } = stream;
        job.depends_on_order(G::IN_ORDER);
        let aggregate = Rc::new(aggregate);
        let result = aggregate.clone();
        let whole = move |map: &mut KeyMap<K, G::Accumulator>, out: &mut Vec<(K, G::Result)>| {
            map.drain_into(out, |accumulator| named(id, || result.result(accumulator)));
        };
        let root = if job.workers == 1 {
            gather::<T, K, V, C, G, _>(held, chain, id, job.clone(), aggregate, whole)
        } else {
            let here = gather(held, chain, id, job.clone(), aggregate.clone(), |map, out| {
                map.drain_into(out, |a| a)
            });
            let owners = job.owners.clone();
            per_epoch(
                here,
                Exchange::new(move |(key, _): &(K, G::Accumulator)| owners.of(key)),
                id,
                job.clone(),
                Answers::WhenFed,
                move |map: &mut KeyMap<K, G::Accumulator>, records| {
                    for (key, accumulator) in records.drain(..) {
                        map.merge(key, accumulator, |a| a, |a, b| named(id, || aggregate.merge(a, b)));
                    }
                },
                move |_, map, out| whole(map, out),
            )
        };
        Stream::new(root, id, job, rhythm)
    }
}

/// Gathers the records of a batch per key, on the worker where they are.
pub(super) fn gather<
    's,
    T: Keyed<K, V> + 'static,
    K: Key,
    V: Record,
    C: Chain<Out = T>,
    G: Aggregate<V>,
    U: Clone + 'static,
>(
    root: StreamVec<'s, Epoch, C::In>,
    mut chain: C,
    id: OpId,
    job: Rc<JobContext>,
    aggregate: Rc<G>,
    mut drain: impl FnMut(&mut KeyMap<K, G::Accumulator>, &mut Vec<U>) + 'static,
) -> StreamVec<'s, Epoch, U> {
    per_epoch(
        root,
        Pipeline,
        id,
        job,
        Answers::WhenFed,
        move |map: &mut KeyMap<K, G::Accumulator>, records| {
            let create = |value| named(id, || aggregate.create(value));
            let add = |accumulator, value| named(id, || aggregate.add(accumulator, value));
            let mut reader = Combining { map, create, add, values: PhantomData };
            records.drain(..).for_each(|record| chain.lend(record, &mut reader));
        },
        move |_, map, out| drain(map, out),
    )
}
