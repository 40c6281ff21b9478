//! The shell of all operators that gather a batch and answer when it closes.

use std::collections::VecDeque;

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::ParallelizationContract,
        operators::{Capability, generic::operator::Operator},
    },
};

use crate::{
    ids::{Epoch, OpId},
    observe::{
        operator_stats::{Held, Holds, OperatorStats},
        panic_origin::named,
    },
};

/// When a gathering operator answers.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Answers {
    /// For batches in which it got records.
    WhenFed,
    /// For each batch, the empty ones too.
    Always,
}

/// Gathers the records of each epoch in an `S` by `add`; when the epoch closes, `close` empties the `S` into
/// the output. An `S` is used again for later epochs, so that its capacity is kept.
pub(crate) fn per_epoch<'s, A, S, U>(
    input: StreamVec<'s, Epoch, A>,
    pact: impl ParallelizationContract<Epoch, Vec<A>>,
    id: OpId,
    answers: Answers,
    mut add: impl FnMut(&mut S, &mut Vec<A>) + 'static,
    mut close: impl FnMut(Epoch, &mut S, &mut Vec<U>) + 'static,
) -> StreamVec<'s, Epoch, U>
where
    A: 'static,
    S: Default + Holds + 'static,
    U: Clone + 'static,
{
    input.unary_frontier::<CapacityContainerBuilder<Vec<U>>, _, _, _>(pact, id.0, move |first, _| {
        // The right to speak at the oldest open epoch, for an operator that speaks at each.
        let mut floor = (answers == Answers::Always).then_some(first);
        let mut open = Open::default();
        // Used again where the way on copies, as an exchange does: pages for a fresh one are not free.
        let mut out = Vec::new();
        let gauge = OperatorStats::of_batches(id);
        let mut reached = 0;
        move |(input, frontier), output| {
            let _runs = gauge.runs();
            named(id, || {
                input.for_each(|time, records| {
                    let state = open.at(*time.time(), || time.retain(0));
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
                    gauge.holds(state.held());
                    close(*capability.time(), state, &mut out);
                    if !out.is_empty() {
                        output.session(capability).give_container(&mut out);
                        out.clear();
                    }
                };
                match &mut floor {
                    None => {
                        while let Some((_, capability, mut state)) = open.pop_below(upper) {
                            answer(&capability, &mut state);
                            open.spare.push(state);
                        }
                    }
                    Some(floor) => {
                        for epoch in *floor.time()..upper {
                            let mut state = open.take(epoch);
                            answer(floor, &mut state);
                            open.spare.push(state);
                            floor.downgrade(&(epoch + 1));
                        }
                    }
                }
                if answered < upper && reached < upper {
                    // The last batch had nothing.
                    gauge.holds(Held::default());
                }
                reached = upper;
                gauge.reached(upper);
            });
        }
    })
}

/// The states of the epochs that are open, oldest first, each with the right to speak at it. There are rarely more
/// than two.
pub(crate) struct Open<R, S> {
    epochs: VecDeque<(Epoch, R, S)>,
    pub(crate) spare: Vec<S>,
}

impl<R, S> Default for Open<R, S> {
    fn default() -> Self {
        Open { epochs: VecDeque::new(), spare: Vec::new() }
    }
}

impl<R, S: Default> Open<R, S> {
    pub(crate) fn at(&mut self, epoch: Epoch, capability: impl FnOnce() -> R) -> &mut S {
        let place = self.epochs.partition_point(|(open, ..)| *open < epoch);
        if self.epochs.get(place).is_none_or(|(open, ..)| *open != epoch) {
            let state = self.spare.pop().unwrap_or_default();
            self.epochs.insert(place, (epoch, capability(), state));
        }
        &mut self.epochs[place].2
    }

    /// The state of `epoch`, the oldest.
    pub(crate) fn take(&mut self, epoch: Epoch) -> S {
        let state = self.pop_below(epoch + 1).map(|(_, _, state)| state);
        state.or_else(|| self.spare.pop()).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.epochs.clear();
    }

    fn pop_below(&mut self, upper: Epoch) -> Option<(Epoch, R, S)> {
        self.epochs.pop_front_if(|(epoch, ..)| *epoch < upper)
    }
}
