//! The shell of operators with state.
//!
//! An operator also logs its state, see [`state_log`](crate::checkpoint::state_log). The shell calls the
//! [`StatefulOperator`] for each batch, in order, and once before the first to restore what it had.

use std::rc::Rc;

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

use crate::{
    checkpoint::{
        StateShape,
        state_log::{Keeps, StateWriter},
    },
    epoch_queue::EpochQueue,
    ids::{Epoch, OpId},
    observe::operator_stats::OperatorStats,
    operators::kernel::{
        output::{Audience, Output},
        per_epoch::epoch_of,
    },
    panic_origin::named,
    stream::{
        context::{BatchContext, JobContext},
        held::{Relation, Wants},
    },
};

/// An operator with state: what it does with each batch, and how it is restored.
pub(crate) trait StatefulOperator: 'static {
    type In: 'static;
    type Out: Clone + 'static;
    /// Records that it emits beside its contents.
    type Emitted: Clone + 'static;

    /// The name of its kind, for operators without an id of their own. It is on disk.
    const KIND: &'static str;

    /// The shape of the state in a checkpoint; `None` if the state can be computed again from the changes that come in.
    fn shape(&self) -> Option<StateShape>;

    /// A fingerprint of its initial states, if it was given any.
    fn initial(&self) -> Option<u64> {
        None
    }

    /// Takes in the records of a batch, which may be empty, and writes the results to `output`. What is needed after a
    /// crash goes to `log`.
    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<Self::Out, Self::Emitted>,
        log: &StateWriter,
    );

    /// Restores the state as of the batch of `context` from `log`, and writes as contents what it kept when it was last
    /// due. `batch` has the changes of tables: all that they hold.
    fn restore(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<Self::Out, Self::Emitted>,
        log: &StateWriter,
    );
}

/// Gathers the records of each batch and has `operator` close it: each batch, the empty ones too, in order.
pub(crate) fn stateful<'s, O: StatefulOperator>(
    input: StreamVec<'s, Epoch, O::In>,
    pact: impl ParallelizationContract<Epoch, Vec<O::In>>,
    id: OpId,
    job: Rc<JobContext>,
    operator: O,
) -> Relation<'s, O::Out> {
    Stateful::new(operator, id, job).build(input, pact, gather_all).1
}

/// As [`stateful`], with what else the operator emits.
pub(crate) fn stateful_emitting<'s, O: StatefulOperator>(
    input: StreamVec<'s, Epoch, O::In>,
    pact: impl ParallelizationContract<Epoch, Vec<O::In>>,
    id: OpId,
    job: Rc<JobContext>,
    operator: O,
) -> (StreamVec<'s, Epoch, O::Emitted>, Relation<'s, O::Out>) {
    let shell = Stateful { emits: true, ..Stateful::new(operator, id, job) };
    let (emitted, relation) = shell.build(input, pact, gather_all);
    (emitted.expect("it was asked to emit"), relation)
}

/// Gathers records as they are. Where a batch comes in one piece, the piece is taken.
fn gather_all<T>(batch: &mut Vec<T>, records: &mut Vec<T>) {
    match batch.is_empty() {
        true => std::mem::swap(batch, records),
        false => batch.append(records),
    }
}

type OutputPort<T> = OutputBuilder<Epoch, CapacityContainerBuilder<Vec<T>>>;

/// What an operator emits, if it does, and the table that it keeps.
type Outputs<'s, O> = (
    Option<StreamVec<'s, Epoch, <O as StatefulOperator>::Emitted>>,
    Relation<'s, <O as StatefulOperator>::Out>,
);

/// A stateful operator that is to be built.
pub(crate) struct Stateful<O> {
    pub(crate) operator: O,
    pub(crate) id: OpId,
    pub(crate) job: Rc<JobContext>,
    /// Whether it emits records beside its contents.
    pub(crate) emits: bool,
    /// The stream whose records it keeps as they are, if it does.
    pub(crate) keeps: Option<Keeps>,
}

impl<O: StatefulOperator> Stateful<O> {
    pub(crate) fn new(operator: O, id: OpId, job: Rc<JobContext>) -> Self {
        Stateful { operator, id, job, emits: false, keeps: None }
    }

    /// Builds it on records that `gather` adds to a batch.
    pub(crate) fn build<'s, A: 'static>(
        self,
        input: StreamVec<'s, Epoch, A>,
        pact: impl ParallelizationContract<Epoch, Vec<A>>,
        mut gather: impl FnMut(&mut Vec<O::In>, &mut Vec<A>) + 'static,
    ) -> Outputs<'s, O> {
        let Stateful { mut operator, id, job, emits, keeps } = self;
        let wants = Rc::new(Wants::default());
        let shape = if job.state_log.is_on() { operator.shape() } else { None };
        let writer = |shape| job.state_log.operator(id, O::KIND, keeps, shape, operator.initial());
        let log = shape.map_or_else(StateWriter::nowhere, writer);
        let mut builder = OperatorBuilder::new(id.0.to_owned(), input.scope());
        let mut input = builder.new_input(input, pact);
        let (emitted, emitted_root) = emits.then(|| builder.new_output::<Vec<O::Emitted>>()).unzip();
        let mut emitted = emitted.map(OutputPort::from);
        let (contents, contents_root) = builder.new_output::<Vec<O::Out>>();
        let (changes, changes_root) = builder.new_output::<Vec<(O::Out, i64)>>();
        let (mut contents, mut changes) = (OutputPort::from(contents), OutputPort::from(changes));
        let mut output = Output::<O::Out, O::Emitted>::new(wants.clone());
        builder.build(|mut capabilities| {
            // The rights to send at the oldest open epoch. What is emitted was the first output to be made.
            let mut floor = capabilities.pop().zip(capabilities.pop());
            let mut emitted_floor = capabilities.pop();
            let mut open = EpochQueue::<Vec<O::In>>::default();
            let stats = OperatorStats::of_batches(id);
            move |frontiers| {
                let _runs = stats.runs();
                named(id, || {
                    input.for_each(|time, records| gather(open.at(epoch_of(&time)), records));
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
                        let mut batch = open.take(epoch);
                        let context = job.batch(epoch);
                        if context.is_restored {
                            output.written_for(Audience::Nobody, |output| {
                                operator.restore(context, &mut batch, output, &log)
                            });
                            output.restored();
                            log.taken();
                        } else {
                            operator.close(context, &mut batch, &mut output, &log);
                            log.close(epoch);
                        }
                        batch.clear();
                        open.reuse(batch);
                        send(&mut contents, contents_floor, &mut output.contents);
                        send(&mut changes, changes_floor, &mut output.changes);
                        if let (Some(emitted), Some(floor)) = (&mut emitted, &mut emitted_floor) {
                            send(emitted, floor, &mut output.emitted);
                        }
                    }
                    stats.holds(output.held);
                    stats.reached(upper);
                });
            }
        });
        (emitted_root, Relation { contents: contents_root, changes: changes_root, wants })
    }
}

/// Sends `records` as the last of their epoch.
fn send<T: Clone + 'static>(port: &mut OutputPort<T>, floor: &mut Capability<Epoch>, records: &mut Vec<T>) {
    if !records.is_empty() {
        let room = records.len() + records.len() / 8;
        port.activate().session(floor).give_container(records);
        records.clear();
        // The next batch has about as many: to grow to them by doubling would copy them twice.
        records.reserve(room);
    }
    floor.downgrade(&(floor.time() + 1));
}
