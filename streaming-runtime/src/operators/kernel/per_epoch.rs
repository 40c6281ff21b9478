//! The shell of the operators that gather a batch and answer when it closes.

use std::rc::Rc;

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::ParallelizationContract,
        operators::{Capability, InputCapability, generic::operator::Operator},
    },
};

use crate::{
    epoch_queue::EpochQueue,
    ids::{Epoch, OpId},
    observe::operator_stats::{Held, Holds, OperatorStats},
    panic_origin::named,
    stream::context::{BatchContext, JobContext},
};

/// When a gathering operator answers.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Answers {
    /// For batches in which it got records.
    WhenFed,
    /// For each batch, the empty ones too.
    Always,
}

/// The epoch of records that came in.
pub(crate) fn epoch_of(capability: &InputCapability<Epoch>) -> Epoch {
    *capability.least().expect("records are sent at an epoch, so their stamp has one")
}

/// What an open epoch has, with the right to send at it.
struct Gathered<S> {
    capability: Option<Capability<Epoch>>,
    state: S,
}

impl<S: Default> Default for Gathered<S> {
    fn default() -> Self {
        Gathered { capability: None, state: S::default() }
    }
}

/// Gathers the records of each epoch in an `S` by `add`; when the epoch closes, `close` empties the `S` into
/// the output. An `S` is used again for later epochs, so that its capacity is kept.
pub(crate) fn per_epoch<'s, A, S, U>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    id: OpId,
    job: Rc<JobContext>,
    answers: Answers,
    mut add: impl FnMut(&mut S, &mut Vec<A>) + 'static,
    mut close: impl FnMut(BatchContext<'_>, &mut S, &mut Vec<U>) + 'static,
) -> StreamVec<'s, Epoch, U>
where
    A: 'static,
    S: Default + Holds + 'static,
    U: Clone + 'static,
{
    input.unary_frontier::<CapacityContainerBuilder<Vec<U>>, _, _, _>(pact, id.0, move |first, _| {
        // The right to send at the oldest open epoch, for an operator that sends at each.
        let mut floor = (answers == Answers::Always).then_some(first);
        let mut open = EpochQueue::<Gathered<S>>::default();
        // Kept for the next epoch where the consumer copies, as an exchange does: a new allocation has to be paged in.
        let mut out = Vec::new();
        let stats = OperatorStats::of_batches(id);
        let mut reached = 0;
        move |(input, frontier), output| {
            let _runs = stats.runs();
            named(id, || {
                input.for_each(|time, records| {
                    let epoch = epoch_of(&time);
                    let Gathered { capability, state } = open.at(epoch);
                    capability.get_or_insert_with(|| time.delayed(&epoch, 0));
                    add(state, records);
                });
                let frontier = frontier.frontier();
                let Some(&upper) = frontier.first() else {
                    // The job is being taken down: what is open was never closed, so it is not answered.
                    floor = None;
                    open.clear();
                    return;
                };
                let mut answered = 0;
                let mut answer = |capability: &Capability<Epoch>, state: &mut S| {
                    answered = *capability.time() + 1;
                    stats.holds(state.held());
                    close(job.batch(*capability.time()), state, &mut out);
                    if !out.is_empty() {
                        output.session(capability).give_container(&mut out);
                        out.clear();
                    }
                };
                match &mut floor {
                    None => {
                        while let Some((_, mut gathered)) = open.pop_if(|epoch, _| epoch < upper) {
                            let capability = gathered.capability.take().expect("an epoch is opened with it");
                            answer(&capability, &mut gathered.state);
                            open.reuse(gathered);
                        }
                    }
                    Some(floor) => {
                        for epoch in *floor.time()..upper {
                            let mut gathered = open.take(epoch);
                            gathered.capability = None;
                            answer(floor, &mut gathered.state);
                            open.reuse(gathered);
                            floor.downgrade(&(epoch + 1));
                        }
                    }
                }
                if answered < upper && reached < upper {
                    // The last batch had nothing.
                    stats.holds(Held::default());
                }
                reached = upper;
                stats.reached(upper);
            });
        }
    })
}
