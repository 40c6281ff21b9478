//! Keys of a table, whose values come and go one by one.

use crate::{
    aggregate::Aggregate,
    operators::{
        by_key::ByKey,
        kernel::{arrival::aggregated, differential::Comparable},
    },
    stream::{Stream, chain::Chain, keyed::Keyed, kind::Table},
};

impl<K: Comparable, V: Comparable, R: Comparable> ByKey<K, V, R> for Table {
    type Out = Table;
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        aggregate: G,
    ) -> Stream<'s, (K, R), Table> {
        let Stream { held, chain, id, job, rhythm, .. } = stream.map(Keyed::part);
        job.depends_on_order(G::IN_ORDER);
        held.wants.want_changes();
        let changes = chain.realise_changes(held.changes, id);
        Stream::new(aggregated(changes, aggregate, rhythm.clone(), id, job.clone()), id, job, rhythm)
    }
}
