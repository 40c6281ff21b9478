//! What somebody writes who knows differential dataflow: what leaves a window waits in a queue of panes outside of the
//! arrangement (left in it, updates of the future are merged again and again), and the window is the sum of its
//! updates.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use differential_dataflow::{AsCollection, VecCollection, difference::Abelian};
use timely::{
    WorkerConfig,
    communication::{Allocator, allocator::thread::Thread},
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, ProbeHandle, StreamVec,
        channels::pact::Pipeline,
        operators::{Capability, InputCapability, Probe, generic::operator::Operator},
    },
    worker::Worker,
};

use crate::lockstep::Contestant;

type Changes<T> = Rc<RefCell<Vec<(T, u64, isize)>>>;

/// The batch of records that came in.
pub fn epoch_of(capability: &InputCapability<u64>) -> u64 {
    *capability.least().expect("records are sent at a time, so their stamp has one")
}

/// One worker with one dataflow, in the thread that asks: it is given a batch, and steps until that is through.
pub struct Lone<T: Clone + 'static> {
    worker: Worker,
    input: InputHandle<u64, CapacityContainerBuilder<Vec<T>>>,
    probe: ProbeHandle<u64>,
    pub given: Vec<T>,
}

impl<T: Clone + 'static> Lone<T> {
    /// What `build` makes of the input is through when the probe that it is given says so.
    pub fn new(build: impl for<'s> FnOnce(StreamVec<'s, u64, T>, &ProbeHandle<u64>)) -> Self {
        let alloc = Allocator::Thread(Thread::default());
        let mut worker = Worker::new(WorkerConfig::default(), alloc, Some(std::time::Instant::now()));
        let mut input = InputHandle::new_with_builder();
        let probe = ProbeHandle::new();
        worker.dataflow(|scope| build(input.to_stream(scope), &probe));
        Lone { worker, input, probe, given: Vec::new() }
    }

    pub fn slide(&mut self) {
        self.input.send_batch(&mut self.given);
        let next = self.input.time() + 1;
        self.input.advance_to(next);
        self.input.flush();
        while self.probe.less_than(&next) {
            self.worker.step();
        }
    }
}

/// A dataflow of differential's, and what changed at its end.
pub struct Dataflow<T: Clone + 'static, U: 'static> {
    lone: Lone<T>,
    changes: Changes<U>,
    hash: fn(&U) -> u64,
    kept: u64,
}

impl<T: Clone + 'static, U: Clone + 'static> Dataflow<T, U> {
    pub fn new(
        build: impl for<'s> FnOnce(StreamVec<'s, u64, T>) -> VecCollection<'s, u64, U, isize>,
        hash: fn(&U) -> u64,
    ) -> Self {
        let changes = Changes::default();
        let gathered = changes.clone();
        let lone = Lone::new(|input, probe| {
            build(input).inner.probe_with(probe).sink(Pipeline, "Collect", move |(input, _)| {
                input.for_each(|_, updates| gathered.borrow_mut().append(updates));
            });
        });
        Dataflow { lone, changes, hash, kept: 0 }
    }
}

impl<T: Clone + 'static, U: Clone + 'static> Contestant<Vec<T>> for Dataflow<T, U> {
    fn give(&mut self, batch: Vec<T>) {
        self.lone.given = batch;
    }

    fn slide(&mut self) {
        self.lone.slide();
    }

    fn hash(&mut self) -> u64 {
        let changes = self.changes.borrow_mut().drain(..).collect::<Vec<_>>();
        let hash = |(record, _, times): &(U, u64, isize)| (self.hash)(record).wrapping_mul(*times as u64);
        self.kept = changes.iter().map(hash).fold(self.kept, u64::wrapping_add);
        self.kept
    }
}

/// Gathers each batch by `add`, sends it when it closes as the updates that `seal` makes of it, and takes them back
/// `window` batches later. Every batch has records here.
pub fn panes<'s, T, S, D, R>(
    records: StreamVec<'s, u64, T>,
    window: u64,
    add: impl Fn(&mut S, T) + 'static,
    seal: impl Fn(S) -> Vec<(D, R)> + 'static,
) -> VecCollection<'s, u64, D, R>
where
    T: Clone + 'static,
    S: Default + 'static,
    D: Clone + 'static,
    R: Abelian + 'static,
{
    let updates = records.unary_frontier::<CapacityContainerBuilder<Vec<(D, u64, R)>>, _, _, _>(
        Pipeline,
        "Panes",
        |_, _| {
            let mut open = BTreeMap::<u64, (Capability<u64>, S)>::new();
            let mut sealed = VecDeque::<Vec<(D, R)>>::new();
            move |(input, frontier), output| {
                input.for_each(|time, records| {
                    let epoch = epoch_of(&time);
                    let (_, pane) =
                        open.entry(epoch).or_insert_with(|| (time.delayed(&epoch, 0), S::default()));
                    records.drain(..).for_each(|record| add(pane, record));
                });
                while let Some(first) = open.first_entry().filter(|first| !frontier.less_equal(first.key())) {
                    let (time, (right, pane)) = first.remove_entry();
                    let mut session = output.session(&right);
                    let left = if sealed.len() as u64 == window { sealed.pop_front() } else { None };
                    for (data, mut times) in left.into_iter().flatten() {
                        times.negate();
                        session.give((data, time, times));
                    }
                    let pane = seal(pane);
                    session
                        .give_iterator(pane.iter().map(|(data, times)| (data.clone(), time, times.clone())));
                    sealed.push_back(pane);
                }
            }
        },
    );
    updates.as_collection()
}
