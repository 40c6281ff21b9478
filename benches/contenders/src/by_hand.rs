//! What somebody writes who knows timely: records go to the worker of their key, an operator adds them to its state as they
//! come, and says what there is when the batch is complete. The state is that of a plain loop.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use timely::{
    ExchangeData,
    container::CapacityContainerBuilder,
    dataflow::{
        channels::pact::{Exchange, Pipeline},
        operators::{Capability, Probe, generic::operator::Operator},
    },
};

use crate::{
    dataflow::{Lone, epoch_of},
    lockstep::Contestant,
};

/// Such a dataflow.
pub struct ByHand<T: Clone + 'static, U> {
    lone: Lone<T>,
    said: Rc<RefCell<Vec<U>>>,
    /// Puts what a batch says to the hash of what was said before.
    add_up: fn(u64, Vec<U>) -> u64,
    kept: u64,
}

impl<T: ExchangeData + Clone, U: Clone + 'static> ByHand<T, U> {
    /// `add` takes records of the open batch in, `close` says what there is at its end.
    pub fn new<S: 'static>(
        mut state: S,
        route: impl Fn(&T) -> u64 + 'static,
        add: impl Fn(&mut S, &mut Vec<T>) + 'static,
        close: impl Fn(&mut S) -> Vec<U> + 'static,
        add_up: fn(u64, Vec<U>) -> u64,
    ) -> Self {
        let said = Rc::new(RefCell::new(Vec::new()));
        let gathered = said.clone();
        let lone = Lone::new(|input, probe| {
            let stream = input.unary_frontier::<CapacityContainerBuilder<Vec<U>>, _, _, _>(
                Exchange::new(route),
                "ByHand",
                |_, _| {
                    // One batch is on its way at a time, so what comes early waits.
                    let mut open = BTreeMap::<u64, (Capability<u64>, Vec<T>)>::new();
                    move |(input, frontier), output| {
                        input.for_each(|time, records| {
                            let epoch = epoch_of(&time);
                            let is_first = open.keys().next().is_none_or(|first| *first >= epoch);
                            let (_, early) =
                                open.entry(epoch).or_insert_with(|| (time.delayed(&epoch, 0), Vec::new()));
                            if is_first { add(&mut state, records) } else { early.append(records) }
                        });
                        while let Some(first) =
                            open.first_entry().filter(|first| !frontier.less_equal(first.key()))
                        {
                            let (time, _) = first.remove();
                            output.session(&time).give_container(&mut close(&mut state));
                            if let Some(mut next) = open.first_entry() {
                                add(&mut state, &mut next.get_mut().1);
                            }
                        }
                    }
                },
            );
            stream.probe_with(probe).sink(Pipeline, "Collect", move |(input, _)| {
                input.for_each(|_, said| {
                    let mut gathered = gathered.borrow_mut();
                    match gathered.is_empty() {
                        true => *gathered = std::mem::take(said),
                        false => gathered.append(said),
                    }
                });
            });
        });
        ByHand { lone, said, add_up, kept: 0 }
    }
}

impl<T: ExchangeData + Clone, U: Clone + 'static> Contestant<Vec<T>> for ByHand<T, U> {
    fn give(&mut self, batch: Vec<T>) {
        self.lone.given = batch;
    }

    fn slide(&mut self) {
        self.lone.slide();
    }

    fn hash(&mut self) -> u64 {
        let said = std::mem::take(&mut *self.said.borrow_mut());
        self.kept = (self.add_up)(self.kept, said);
        self.kept
    }
}
