//! The shell of all operators that keep something from batch to batch.

use std::rc::Rc;

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::ParallelizationContract,
        operators::generic::{OutputBuilder, builder_rc::OperatorBuilder},
    },
};

use super::per_epoch::Open;
use crate::{
    blame::named,
    past::{Relation, Wants},
    stream::{Epoch, JobContext, OpId},
    time::BatchTime,
};

/// What an operator says when a batch closes. It need not say what is not wanted.
pub(super) struct Said<U> {
    pub(super) wants: Rc<Wants>,
    pub(super) contents: Vec<U>,
    pub(super) changes: Vec<(U, i64)>,
}

impl<U: Clone> Said<U> {
    /// Notes that a record came or went, if that is wanted.
    pub(super) fn change(&mut self, record: impl FnOnce() -> U, times: i64) {
        if self.wants.changes() {
            self.changes.push((record(), times));
        }
    }
}

/// Gathers the records of each batch in an `S` by `add`, and calls `close` with them at each batch, the empty ones
/// too, in order. What lasts is in the closure.
pub(super) fn keep<'s, A, S, U>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    id: OpId,
    job: Rc<JobContext>,
    mut add: impl FnMut(&mut S, &mut Vec<A>) + 'static,
    mut close: impl FnMut(Epoch, BatchTime, &mut S, &mut Said<U>) + 'static,
) -> Relation<'s, U>
where
    A: 'static,
    S: Default + 'static,
    U: Clone + 'static,
{
    let wants = Rc::new(Wants::default());
    let mut builder = OperatorBuilder::new(id.0.to_owned(), input.scope());
    let mut input = builder.new_input(input, pact);
    let (contents, contents_root) = builder.new_output::<Vec<U>>();
    let (changes, changes_root) = builder.new_output::<Vec<(U, i64)>>();
    let mut contents = OutputBuilder::<_, CapacityContainerBuilder<Vec<U>>>::from(contents);
    let mut changes = OutputBuilder::<_, CapacityContainerBuilder<Vec<(U, i64)>>>::from(changes);
    let mut said = Said { wants: wants.clone(), contents: Vec::new(), changes: Vec::new() };
    builder.build(|mut rights| {
        // The rights to speak at the oldest open epoch.
        let mut floor = rights.pop().zip(rights.pop());
        let mut open = Open::<(), S>::default();
        move |frontiers| {
            let (mut contents, mut changes) = (contents.activate(), changes.activate());
            named(id, || {
                input.for_each(|time, records| add(open.at(*time.time(), || ()), records));
                let (Some(&upper), Some((changes_floor, contents_floor))) =
                    (frontiers[0].frontier().first(), &mut floor)
                else {
                    // The job is being taken down: what is open was never closed.
                    floor = None;
                    open.clear();
                    return;
                };
                for epoch in *contents_floor.time()..upper {
                    let mut state = open.take(epoch);
                    close(epoch, job.times.of(epoch), &mut state, &mut said);
                    open.spare.push(state);
                    if !said.contents.is_empty() {
                        contents.session(contents_floor).give_container(&mut said.contents);
                        said.contents.clear();
                    }
                    if !said.changes.is_empty() {
                        changes.session(changes_floor).give_container(&mut said.changes);
                        said.changes.clear();
                    }
                    contents_floor.downgrade(&(epoch + 1));
                    changes_floor.downgrade(&(epoch + 1));
                }
            });
        }
    });
    Relation { contents: contents_root, changes: changes_root, wants }
}
