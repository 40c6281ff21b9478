//! Keys of a stream in a loop.

use crate::{
    aggregate::Aggregate,
    build_error::refuse,
    observe::operator_stats::made,
    operators::{
        by_key::ByKey,
        kernel::differential::{Comparable, Inside, Looped, Moment, aggregate_arranged},
    },
    stream::{Stream, chain::Chain, copies::Copies, held::Updates, keyed::Keyed, kind::Holding},
};

impl<M: Moment, K: Comparable, V: Comparable, R: Comparable> ByKey<K, V, R> for Looped<M> {
    type Out = Looped<M>;
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        aggregate: G,
    ) -> Stream<'s, (K, R), Looped<M>> {
        let Stream { held, chain, id, job, rhythm, .. } = stream.map(Keyed::part);
        let pairs = Self::realise(held, chain, id).collection;
        if G::IN_ORDER {
            refuse(
                id,
                "in a loop values go round and have no order of arrival: use what does not depend on it, as `min()`, \
                 `max()`, `sum()` and `join` do, or put this operator before or behind the loop",
            );
        }
        let bytes = size_of::<((K, V), Inside<M>, Copies)>();
        let by_key = made(id, bytes, || pairs.arrange_by_key_named(id.0));
        let made = aggregate_arranged(by_key, aggregate, id);
        let results = Updates { collection: made, settled: true };
        Stream::new(results, id, job, rhythm)
    }
}
