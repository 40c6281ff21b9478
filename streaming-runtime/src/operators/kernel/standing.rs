//! Contents that stay as they are while another stream is renewed.

use std::{convert::Infallible, rc::Rc};

use timely::dataflow::{StreamVec, channels::pact::Pipeline};

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    observe::operator_stats::Held,
    operators::kernel::stateful::{BatchContext, Output, StatefulOperator, keep},
    record::Record,
    stream::{
        Stream,
        context::JobContext,
        kind::{Relation, Table, Wants},
        rhythm::Rhythm,
    },
    time::BatchTime,
};

/// What is kept, with contents in all batches in which `rhythm` is due: as of its own last renewal.
pub(crate) fn stand<'s, T: Record>(stream: Stream<'s, T, Table>, rhythm: &Rhythm) -> Relation<'s, T> {
    let Stream { held, id, job, rhythm: own, .. } = stream;
    if own.is_with(rhythm) {
        return held;
    }
    let standing = standing(held.contents, own, rhythm, id, job);
    Relation { contents: standing.contents, wants: Wants::all(vec![standing.wants, held.wants]), ..held }
}

/// The same of a stream of batches, if its records stand.
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
    renewed: StreamVec<'s, Epoch, T>,
    own: Rhythm,
    rhythm: &Rhythm,
    id: OpId,
    job: Rc<JobContext>,
) -> Relation<'s, T> {
    let keeper = Standing { records: Vec::new(), own, rhythm: rhythm.clone(), job: job.clone() };
    keep(renewed, Pipeline, id, job, keeper)
}

/// The records of the last renewal. They are not written down: what they are made of says them again.
struct Standing<T> {
    records: Vec<T>,
    own: Rhythm,
    rhythm: Rhythm,
    job: Rc<JobContext>,
}

impl<T: Record> Standing<T> {
    fn renew(&mut self, batch: &mut Vec<T>, said: &mut Output<T>) {
        self.records.clear();
        if said.wants.contents() {
            self.records.append(batch);
        }
        said.held = Held::new(self.records.len(), self.records.capacity() * size_of::<T>());
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
        BatchContext { epoch, .. }: BatchContext,
        batch: &mut Vec<T>,
        said: &mut Output<T>,
        _: &StateWriter,
    ) {
        if self.job.is_due(epoch, &self.own) {
            self.renew(batch, said);
        }
        if said.wants_contents() && self.job.is_due(epoch, &self.rhythm) {
            said.contents.extend_from_slice(&self.records);
        }
    }

    fn restore(&mut self, _: BatchTime, _: &StateWriter, batch: &mut Vec<T>, said: &mut Output<T>) {
        self.renew(batch, said);
        said.contents.extend_from_slice(&self.records);
    }
}
