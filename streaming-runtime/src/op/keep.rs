//! The shell of all operators that keep something from batch to batch.

use std::{convert::Infallible, rc::Rc};

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::ParallelizationContract,
        operators::{
            Capability,
            generic::{OutputBuilder, builder_rc::OperatorBuilder},
        },
    },
};

use super::per_epoch::Open;
use crate::{
    blame::named,
    gauge::{Gauge, Held},
    past::{Arrangement, Relation, Wants},
    stream::{Epoch, JobContext, OpId},
    time::BatchTime,
};

/// What an operator says when a batch closes. It need not say what is not wanted.
pub(super) struct Said<U, E = Infallible> {
    pub(super) wants: Rc<Wants>,
    pub(super) contents: Vec<U>,
    pub(super) changes: Vec<(U, i64)>,
    /// Records beside what is kept; of an operator that was made by [`keep_and_emit`].
    pub(super) emitted: Vec<E>,
    /// What is kept when the batch is closed.
    pub(super) held: Held,
}

impl<U: Clone, E> Said<U, E> {
    /// Notes that a record came or went, if that is wanted.
    pub(super) fn change(&mut self, record: impl FnOnce() -> U, times: i64) {
        if self.wants.changes() {
            self.changes.push((record(), times));
        }
    }
}

/// Gathers records as they are. Where a batch comes in one piece, the piece is taken.
pub(super) fn gather_all<T>(batch: &mut Vec<T>, records: &mut Vec<T>) {
    match batch.is_empty() {
        true => std::mem::swap(batch, records),
        false => batch.append(records),
    }
}

/// Gathers the records of each batch in an `S` by `add`, and calls `close` with them at each batch, the empty ones
/// too, in order. What lasts is in the closure.
pub(super) fn keep<'s, A, S, U>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    id: OpId,
    job: Rc<JobContext>,
    add: impl FnMut(&mut S, &mut Vec<A>) + 'static,
    close: impl FnMut(Epoch, BatchTime, &mut S, &mut Said<U>) + 'static,
) -> Relation<'s, U>
where
    A: 'static,
    S: Default + 'static,
    U: Clone + 'static,
{
    shell(input, pact, false, id, job, add, close).1
}

/// As [`keep`], of an operator that also emits records of another type.
pub(super) fn keep_and_emit<'s, A, S, U, E>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    id: OpId,
    job: Rc<JobContext>,
    add: impl FnMut(&mut S, &mut Vec<A>) + 'static,
    close: impl FnMut(Epoch, BatchTime, &mut S, &mut Said<U, E>) + 'static,
) -> (StreamVec<'s, Epoch, E>, Relation<'s, U>)
where
    A: 'static,
    S: Default + 'static,
    U: Clone + 'static,
    E: Clone + 'static,
{
    let (emitted, relation) = shell(input, pact, true, id, job, add, close);
    (emitted.expect("it was asked to emit"), relation)
}

type Outlet<T> = OutputBuilder<Epoch, CapacityContainerBuilder<Vec<T>>>;

fn shell<'s, A, S, U, E>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    emits: bool,
    id: OpId,
    job: Rc<JobContext>,
    mut add: impl FnMut(&mut S, &mut Vec<A>) + 'static,
    mut close: impl FnMut(Epoch, BatchTime, &mut S, &mut Said<U, E>) + 'static,
) -> (Option<StreamVec<'s, Epoch, E>>, Relation<'s, U>)
where
    A: 'static,
    S: Default + 'static,
    U: Clone + 'static,
    E: Clone + 'static,
{
    let wants = Rc::new(Wants::default());
    let mut builder = OperatorBuilder::new(id.0.to_owned(), input.scope());
    let mut input = builder.new_input(input, pact);
    let (emitted, emitted_root) = emits.then(|| builder.new_output::<Vec<E>>()).unzip();
    let mut emitted = emitted.map(Outlet::from);
    let (contents, contents_root) = builder.new_output::<Vec<U>>();
    let (changes, changes_root) = builder.new_output::<Vec<(U, i64)>>();
    let (mut contents, mut changes) = (Outlet::from(contents), Outlet::from(changes));
    let mut said = Said {
        wants: wants.clone(),
        contents: Vec::new(),
        changes: Vec::new(),
        emitted: Vec::new(),
        held: Held::default(),
    };
    builder.build(|mut rights| {
        // The rights to speak at the oldest open epoch. What is emitted was the first output to be made.
        let mut floor = rights.pop().zip(rights.pop());
        let mut emitted_floor = rights.pop();
        let mut open = Open::<(), S>::default();
        let gauge = Gauge::of_batches(id);
        move |frontiers| {
            let _runs = gauge.runs();
            named(id, || {
                input.for_each(|time, records| add(open.at(*time.time(), || ()), records));
                let (Some(&upper), Some((changes_floor, contents_floor))) =
                    (frontiers[0].frontier().first(), &mut floor)
                else {
                    // The job is being taken down: what is open was never closed.
                    floor = None;
                    emitted_floor = None;
                    open.clear();
                    return;
                };
                for epoch in *contents_floor.time()..upper {
                    let mut state = open.take(epoch);
                    close(epoch, job.times.of(epoch), &mut state, &mut said);
                    open.spare.push(state);
                    say(&mut contents, contents_floor, &mut said.contents);
                    say(&mut changes, changes_floor, &mut said.changes);
                    if let (Some(emitted), Some(floor)) = (&mut emitted, &mut emitted_floor) {
                        say(emitted, floor, &mut said.emitted);
                    }
                }
                gauge.holds(said.held);
                gauge.reached(upper);
            });
        }
    });
    (
        emitted_root,
        Relation { contents: contents_root, changes: changes_root, wants, arranged: Arrangement::default() },
    )
}

/// Sends `records` as the last of their epoch.
fn say<T: Clone + 'static>(outlet: &mut Outlet<T>, floor: &mut Capability<Epoch>, records: &mut Vec<T>) {
    if !records.is_empty() {
        let room = records.len() + records.len() / 8;
        outlet.activate().session(floor).give_container(records);
        records.clear();
        // The next batch has about as many: to grow to them by doubling would copy them twice.
        records.reserve(room);
    }
    floor.downgrade(&(floor.time() + 1));
}
