//! Contents that stay as they are while another stream is renewed.

use std::{convert::Infallible, rc::Rc};

use timely::dataflow::{StreamVec, channels::pact::Pipeline};

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    observe::operator_stats::Held,
    operators::kernel::{
        output::Output,
        stateful::{StatefulOperator, stateful},
    },
    record::Record,
    stream::{
        Stream,
        context::{BatchContext, JobContext},
        held::{Relation, Wants},
        kind::Table,
    },
    timeline::rhythm::Rhythm,
};

/// A table that delivers its contents whenever `rhythm` is due, as of its own last renewal.
pub(crate) fn stand<'s, T: Record>(stream: Stream<'s, T, Table>, rhythm: &Rhythm) -> Relation<'s, T> {
    let Stream { held, id, job, rhythm: own, .. } = stream;
    if own.is_with(rhythm) {
        return held;
    }
    let standing = standing(held.contents, own, rhythm, id, job);
    Relation { contents: standing.contents, wants: Wants::all(vec![standing.wants, held.wants]), ..held }
}

/// The same for a stream of batches, if its records stand.
pub(crate) fn stand_whole<'s, T: Record>(stream: Stream<'s, T>, rhythm: &Rhythm) -> Stream<'s, T> {
    let Stream { held, id, job, rhythm: own, .. } = stream;
    if !own.stands() || own.is_with(rhythm) {
        return Stream::new(held, id, job, own);
    }
    let Relation { contents, wants, .. } = standing(held, own, rhythm, id, job.clone());
    wants.want_contents();
    Stream::new(contents, id, job, rhythm.clone().standing())
}

fn standing<'s, T: Record>(
    trigger: StreamVec<'s, Epoch, T>,
    own: Rhythm,
    rhythm: &Rhythm,
    id: OpId,
    job: Rc<JobContext>,
) -> Relation<'s, T> {
    let operator = Standing { records: Vec::new(), own, rhythm: rhythm.clone() };
    stateful(trigger, Pipeline, id, job, operator)
}

/// The records of the last renewal. They are not in the checkpoint: a restored job computes them again.
struct Standing<T> {
    records: Vec<T>,
    own: Rhythm,
    rhythm: Rhythm,
}

impl<T: Record> Standing<T> {
    fn renew(&mut self, batch: &mut Vec<T>, output: &mut Output<T>) {
        self.records.clear();
        if output.wants.contents() {
            self.records.append(batch);
        }
        output.held = Held::new(self.records.len(), self.records.capacity() * size_of::<T>());
    }
}

impl<T: Record> StatefulOperator for Standing<T> {
    type In = T;
    type Out = T;
    type Emitted = Infallible;

    const KIND: &'static str = "standing";

    fn shape(&self) -> Option<StateShape> {
        None
    }

    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<T>,
        output: &mut Output<T>,
        _: &StateWriter,
    ) {
        if context.is_due(&self.own) {
            self.renew(batch, output);
        }
        if output.wants_contents() && context.is_due(&self.rhythm) {
            output.contents.extend_from_slice(&self.records);
        }
    }

    fn restore(&mut self, _: BatchContext<'_>, batch: &mut Vec<T>, output: &mut Output<T>, _: &StateWriter) {
        self.renew(batch, output);
        output.contents.extend_from_slice(&self.records);
    }
}
