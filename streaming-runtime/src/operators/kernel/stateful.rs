//! The shell of all operators that keep something from batch to batch.
//!
//! What an operator keeps it also writes down, see [`ledger`](crate::ledger). The shell calls the [`StatefulOperator`] for each
//! batch, in order, and once before the first to find again what it had.

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

use crate::{
    checkpoint::{
        StateShape,
        state_log::{Keeps, StateWriter},
    },
    ids::{Epoch, OpId},
    observe::{
        operator_stats::{Held, OperatorStats},
        panic_origin::named,
    },
    operators::kernel::epoch_queue::Open,
    stream::{
        context::JobContext,
        kind::{Relation, Wants},
    },
    time::BatchTime,
};

/// A batch that closes.
#[derive(Clone, Copy)]
pub(crate) struct BatchContext {
    pub(crate) epoch: Epoch,
    pub(crate) time: BatchTime,
}

/// What lasts of an operator, and what it makes of a batch.
pub(crate) trait StatefulOperator: 'static {
    type In: 'static;
    type Out: Clone + 'static;
    /// Records beside what is kept.
    type Emitted: Clone + 'static;

    /// What such an operator is called where it has no id of its own.
    const KIND: &'static str;

    /// How the state is written down; `None` for what can be made again of the changes that come in.
    fn shape(&self) -> Option<StateShape>;

    /// Tells the initial states that it was given from others, if it was given any.
    fn initial(&self) -> Option<u64> {
        None
    }

    /// Takes in the records of a batch, also none, and says what became of them. What must be found again after a crash
    /// goes to `log`.
    fn close(
        &mut self,
        at: BatchContext,
        batch: &mut Vec<Self::In>,
        said: &mut Output<Self::Out, Self::Emitted>,
        log: &StateWriter,
    );

    /// Takes up what was written up to `as_of`, and says as contents what it kept when it was last due; `batch` has
    /// changes of kept streams, all that they have.
    fn restore(
        &mut self,
        as_of: BatchTime,
        log: &StateWriter,
        batch: &mut Vec<Self::In>,
        said: &mut Output<Self::Out, Self::Emitted>,
    );
}

/// What an operator says when a batch closes. It need not say what is not wanted.
pub(crate) struct Output<U, E = Infallible> {
    pub(crate) wants: Rc<Wants>,
    pub(crate) says: Audience,
    pub(crate) contents: Vec<U>,
    pub(crate) changes: Vec<(U, i64)>,
    pub(crate) emitted: Vec<E>,
    /// What is kept when the batch is closed.
    pub(crate) held: Held,
}

/// Who listens.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Audience {
    /// Those who read the stream.
    All,
    /// Nobody: it was said before the crash.
    Nothing,
    /// The shell, which makes changes of the contents.
    Contents,
}

impl<U, E> Output<U, E> {
    pub(crate) fn new(wants: Rc<Wants>) -> Self {
        Output {
            wants,
            says: Audience::All,
            contents: Vec::new(),
            changes: Vec::new(),
            emitted: Vec::new(),
            held: Held::default(),
        }
    }

    /// Whether to say all that is kept.
    pub(crate) fn wants_contents(&self) -> bool {
        match self.says {
            Audience::All => self.wants.contents(),
            Audience::Nothing => false,
            Audience::Contents => true,
        }
    }

    /// Whether to say what changed. What tells changes must be kept while nobody listens, too.
    pub(crate) fn wants_changes(&self) -> bool {
        self.wants.changes()
    }

    /// Notes that a record came or went, if that is wanted.
    pub(crate) fn change(&mut self, record: impl FnOnce() -> U, times: i64) {
        if self.wants_changes() {
            self.changes.push((record(), times));
        }
    }

    /// Says what there is from before, in whatever form it is wanted.
    fn tell_past(&mut self)
    where
        U: Clone,
    {
        match (self.wants.contents(), self.wants.changes()) {
            (_, false) => {}
            (true, true) => self.changes.extend(self.contents.iter().cloned().map(|record| (record, 1))),
            (false, true) => self.changes.extend(self.contents.drain(..).map(|record| (record, 1))),
        }
        if !self.wants.contents() {
            self.contents.clear();
        }
    }

    /// Lets `say` speak to others than usual. Changes, and all that is said to nobody, are forgotten.
    pub(crate) fn speaking(&mut self, to: Audience, say: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.says, to);
        say(self);
        self.says = before;
        self.changes.clear();
        self.emitted.clear();
    }
}

/// Gathers the records of each batch and has `keeper` close it: each batch, the empty ones too, in order.
pub(crate) fn keep<'s, K: StatefulOperator>(
    input: StreamVec<'s, Epoch, K::In>,
    pact: impl ParallelizationContract<Epoch, Vec<K::In>>,
    id: OpId,
    job: Rc<JobContext>,
    keeper: K,
) -> Relation<'s, K::Out> {
    keep_of(input, pact, (false, None), id, job, keeper, gather_all).1
}

/// As [`keep`], with what else the keeper emits.
pub(crate) fn keep_and_emit<'s, K: StatefulOperator>(
    input: StreamVec<'s, Epoch, K::In>,
    pact: impl ParallelizationContract<Epoch, Vec<K::In>>,
    id: OpId,
    job: Rc<JobContext>,
    keeper: K,
) -> (StreamVec<'s, Epoch, K::Emitted>, Relation<'s, K::Out>) {
    let (emitted, relation) = keep_of(input, pact, (true, None), id, job, keeper, gather_all);
    (emitted.expect("it was asked to emit"), relation)
}

/// Gathers records as they are. Where a batch comes in one piece, the piece is taken.
fn gather_all<T>(batch: &mut Vec<T>, records: &mut Vec<T>) {
    match batch.is_empty() {
        true => std::mem::swap(batch, records),
        false => batch.append(records),
    }
}

type SourceContext<T> = OutputBuilder<Epoch, CapacityContainerBuilder<Vec<T>>>;

/// What a keeper emits, if it was asked to, and what it keeps.
type Answers<'s, K> = (
    Option<StreamVec<'s, Epoch, <K as StatefulOperator>::Emitted>>,
    Relation<'s, <K as StatefulOperator>::Out>,
);

/// As [`keep_and_emit`], of records that are gathered as something else than they are. `keeps` is the stream whose records
/// are kept as they are, if they are.
pub(crate) fn keep_of<'s, A: 'static, K: StatefulOperator>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    (emits, keeps): (bool, Option<Keeps>),
    id: OpId,
    job: Rc<JobContext>,
    mut keeper: K,
    mut gather: impl FnMut(&mut Vec<K::In>, &mut Vec<A>) + 'static,
) -> Answers<'s, K> {
    let wants = Rc::new(Wants::default());
    let shape = if job.ledger.is_on() { keeper.shape() } else { None };
    let operator = |shape| job.ledger.operator(id, K::KIND, keeps, shape, keeper.initial());
    let log = shape.map_or_else(StateWriter::nowhere, operator);
    let mut builder = OperatorBuilder::new(id.0.to_owned(), input.scope());
    let mut input = builder.new_input(input, pact);
    let (emitted, emitted_root) = emits.then(|| builder.new_output::<Vec<K::Emitted>>()).unzip();
    let mut emitted = emitted.map(SourceContext::from);
    let (contents, contents_root) = builder.new_output::<Vec<K::Out>>();
    let (changes, changes_root) = builder.new_output::<Vec<(K::Out, i64)>>();
    let (mut contents, mut changes) = (SourceContext::from(contents), SourceContext::from(changes));
    let mut said = Output::<K::Out, K::Emitted>::new(wants.clone());
    builder.build(|mut rights| {
        // The rights to speak at the oldest open epoch. What is emitted was the first output to be made.
        let mut floor = rights.pop().zip(rights.pop());
        let mut emitted_floor = rights.pop();
        let mut open = Open::<(), Vec<K::In>>::default();
        let gauge = OperatorStats::of_batches(id);
        move |frontiers| {
            let _runs = gauge.runs();
            named(id, || {
                input.for_each(|time, records| gather(open.at(*time.time(), || ()), records));
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
                    let at = BatchContext { epoch, time: job.times.of(epoch) };
                    if job.ledger.is_past(epoch) {
                        said.speaking(Audience::Nothing, |said| {
                            keeper.restore(at.time, &log, &mut batch, said)
                        });
                        said.tell_past();
                        log.taken();
                    } else {
                        keeper.close(at, &mut batch, &mut said, &log);
                        log.close(epoch);
                    }
                    batch.clear();
                    open.spare.push(batch);
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
    (emitted_root, Relation { contents: contents_root, changes: changes_root, wants })
}

/// Sends `records` as the last of their epoch.
fn say<T: Clone + 'static>(
    outlet: &mut SourceContext<T>,
    floor: &mut Capability<Epoch>,
    records: &mut Vec<T>,
) {
    if !records.is_empty() {
        let room = records.len() + records.len() / 8;
        outlet.activate().session(floor).give_container(records);
        records.clear();
        // The next batch has about as many: to grow to them by doubling would copy them twice.
        records.reserve(room);
    }
    floor.downgrade(&(floor.time() + 1));
}
