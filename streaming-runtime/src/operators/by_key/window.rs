//! Keys of a window: the accumulators of each batch go to the owner of their key, and slide there.

use std::{convert::Infallible, rc::Rc, time::Duration};

use timely::dataflow::StreamVec;

use crate::{
    aggregate::Aggregate,
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    operators::{
        by_key::{ByKey, batch::gather},
        kernel::{
            exchange::Exchange,
            output::Output,
            sliding::Sliding,
            stateful::{StatefulOperator, stateful},
            window_spec::{RetainedKeys, WindowSpec},
        },
    },
    record::{Key, Record},
    stream::{
        Stream,
        chain::Chain,
        context::{BatchContext, JobContext},
        held::Relation,
        keyed::Keyed,
        kind::{StreamKind, Table, Windowed},
    },
    timeline::rhythm::Rhythm,
};

#[diagnostic::do_not_recommend]
impl<K, V, R: Record> ByKey<K, V, R> for Windowed {
    type Out = Table;
    fn aggregate<'s, T: Keyed<K, V> + 'static, C: Chain<Out = T>, G: Aggregate<V, Result = R>>(
        stream: Stream<'s, T, Self, C>,
        aggregate: G,
    ) -> Stream<'s, (K, R), Table>
    where
        K: Key,
        V: Record,
    {
        window_by_key(stream, aggregate, None)
    }
}

/// A stream of which something leaves.
#[diagnostic::on_unimplemented(
    message = "nothing leaves this stream, so there is nothing to undo",
    label = "an inverse undoes what leaves a window",
    note = "put `.window(size, slide)` before it, or use `reduce_by_key` or `reduce`, which need no inverse"
)]
pub trait Slides: StreamKind {
    #[doc(hidden)]
    fn window<'s, T: 'static, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, Windowed, C>;
}

impl Slides for Windowed {
    fn window<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, T, Self, C> {
        stream
    }
}

/// What a window makes of each key.
pub(super) fn window_by_key<
    's,
    T: Keyed<K, V> + 'static,
    K: Key,
    V: Record,
    C: Chain<Out = T>,
    G: Aggregate<V>,
>(
    stream: Stream<'s, T, Windowed, C>,
    aggregate: G,
    retained: Option<RetainedKeys<(K, G::Result)>>,
) -> Stream<'s, (K, G::Result), Table> {
    let Stream { held, chain, id, job, rhythm, .. } = stream;
    job.depends_on_order(G::IN_ORDER);
    let aggregate = Rc::new(aggregate);
    let here = gather(held.batches, chain, id, job.clone(), aggregate.clone(), |map, out| {
        map.drain_into(out, |a| a)
    });
    let relation =
        window_at_owners::<K, V, G>(here, held.size, rhythm.clone(), id, job.clone(), aggregate, retained);
    Stream::new(relation, id, job, rhythm)
}

/// The part of [`window_by_key`] at the owners of the keys. It does not know the chain, so that it is compiled once a type.
fn window_at_owners<'s, K: Key, V: Record, G: Aggregate<V>>(
    here: StreamVec<'s, Epoch, (K, G::Accumulator)>,
    size: Option<Duration>,
    rhythm: Rhythm,
    id: OpId,
    job: Rc<JobContext>,
    aggregate: Rc<G>,
    retained: Option<RetainedKeys<(K, G::Result)>>,
) -> Relation<'s, (K, G::Result)> {
    let spec = WindowSpec::new(size, rhythm.step(job.interval));
    let operator = SlidingByKey { sliding: Sliding::<K, V, G>::new(spec, retained), aggregate, rhythm };
    let owners = job.owners.clone();
    stateful(here, Exchange::new(move |(key, _): &(K, G::Accumulator)| owners.of(key)), id, job, operator)
}

/// A window by key.
struct SlidingByKey<K, V, G: Aggregate<V>> {
    sliding: Sliding<K, V, G>,
    aggregate: Rc<G>,
    rhythm: Rhythm,
}

impl<K: Key, V: Record, G: Aggregate<V>> StatefulOperator for SlidingByKey<K, V, G> {
    type In = (K, G::Accumulator);
    type Out = (K, G::Result);
    type Emitted = Infallible;

    const KIND: &'static str = "aggregate";

    fn shape(&self) -> Option<StateShape> {
        Some(self.sliding.shape(self.aggregate.parameters()))
    }

    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<Self::Out>,
        log: &StateWriter,
    ) {
        let is_due = context.is_due(&self.rhythm);
        if log.is_on() {
            let next = (!is_due).then(|| self.rhythm.at_or_next(context.time, context.job.interval));
            self.sliding.write(context, next, batch, log);
        }
        self.sliding.batch(context.time, batch.drain(..), &*self.aggregate, output.wants_changes());
        if is_due {
            self.sliding.slide(context, &*self.aggregate, output, log);
        }
        output.held = self.sliding.held();
    }

    fn restore(
        &mut self,
        context: BatchContext<'_>,
        _: &mut Vec<Self::In>,
        output: &mut Output<Self::Out>,
        log: &StateWriter,
    ) {
        let due = context.last_due(&self.rhythm);
        self.sliding.restore(context, due, &*self.aggregate, output, log);
        output.held = self.sliding.held();
    }
}
