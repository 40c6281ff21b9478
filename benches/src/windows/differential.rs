//! What somebody writes who knows differential dataflow: batches are reduced before they enter, what leaves waits in
//! a queue of panes outside of the arrangement (left in it, updates of the future are merged again and again), and
//! the window is the sum of its updates. A sum lives in the difference and needs `count_total`; another function
//! is a `reduce` over the panes' values.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use differential_dataflow::{
    AsCollection, VecCollection,
    difference::{Abelian, Semigroup},
    operators::CountTotal,
};
use hashbrown::hash_map::Entry;
use timely::{
    ExchangeData, WorkerConfig,
    communication::{Allocator, allocator::thread::Thread},
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, ProbeHandle, StreamVec,
        channels::pact::Pipeline,
        operators::{Capability, Probe, generic::operator::Operator},
    },
    worker::Worker,
};

use super::{
    function::{Function, Map, Sum},
    plain::pair_hash,
};
use crate::{lockstep::Contestant, pairs::BenchKey};

type Changes<T> = Rc<RefCell<Vec<(T, u64, isize)>>>;

/// One worker with one dataflow, in the thread that asks.
pub struct Dataflow<T: Clone + 'static, U: 'static> {
    worker: Worker,
    input: InputHandle<u64, CapacityContainerBuilder<Vec<T>>>,
    probe: ProbeHandle<u64>,
    given: Vec<T>,
    changes: Changes<U>,
    hash: fn(&U) -> u64,
    kept: u64,
}

impl<T: Clone + 'static, U: Clone + 'static> Dataflow<T, U> {
    pub fn new(
        build: impl for<'s> FnOnce(StreamVec<'s, u64, T>) -> VecCollection<'s, u64, U, isize>,
        hash: fn(&U) -> u64,
    ) -> Self {
        let alloc = Allocator::Thread(Thread::default());
        let mut worker = Worker::new(WorkerConfig::default(), alloc, Some(std::time::Instant::now()));
        let mut input = InputHandle::new_with_builder();
        let probe = ProbeHandle::new();
        let changes = Changes::default();
        let gathered = changes.clone();
        worker.dataflow(|scope| {
            let kept = build(input.to_stream(scope)).inner;
            kept.probe_with(&probe).sink(Pipeline, "Collect", move |(input, _)| {
                input.for_each(|_, updates| gathered.borrow_mut().append(updates));
            });
        });
        Dataflow { worker, input, probe, given: Vec::new(), changes, hash, kept: 0 }
    }
}

impl<T: Clone + 'static, U: Clone + 'static> Contestant<Vec<T>> for Dataflow<T, U> {
    fn give(&mut self, batch: Vec<T>) {
        self.given = batch;
    }

    fn slide(&mut self) {
        self.input.send_batch(&mut self.given);
        let next = self.input.time() + 1;
        self.input.advance_to(next);
        self.input.flush();
        while self.probe.less_than(&next) {
            self.worker.step();
        }
    }

    fn hash(&mut self) -> u64 {
        let changes = self.changes.borrow_mut().drain(..).collect::<Vec<_>>();
        let hash = |(record, _, times): &(U, u64, isize)| (self.hash)(record).wrapping_mul(*times as u64);
        self.kept = changes.iter().map(hash).fold(self.kept, u64::wrapping_add);
        self.kept
    }
}

/// Sends each batch when it closes, reduced by `add`, as the updates that `update` makes, and takes them back `window`
/// batches later. Every batch has records here.
pub fn panes<'s, T, K, A, D, R>(
    records: StreamVec<'s, u64, T>,
    window: u64,
    add: impl Fn(&mut Map<K, A>, T) + 'static,
    update: impl Fn(K, A) -> (D, R) + 'static,
) -> VecCollection<'s, u64, D, R>
where
    T: Clone + 'static,
    K: 'static,
    A: 'static,
    D: Clone + 'static,
    R: Abelian + 'static,
{
    let updates = records.unary_frontier::<CapacityContainerBuilder<Vec<(D, u64, R)>>, _, _, _>(
        Pipeline,
        "Panes",
        |_, _| {
            let mut open = BTreeMap::<u64, (Capability<u64>, Map<K, A>)>::new();
            let mut sealed = VecDeque::<Vec<(D, R)>>::new();
            move |(input, frontier), output| {
                input.for_each(|time, records| {
                    let (_, map) =
                        open.entry(*time.time()).or_insert_with(|| (time.retain(0), Map::default()));
                    records.drain(..).for_each(|record| add(map, record));
                });
                while let Some(first) = open.first_entry().filter(|first| !frontier.less_equal(first.key())) {
                    let (time, (right, map)) = first.remove_entry();
                    let mut session = output.session(&right);
                    let left = if sealed.len() as u64 == window { sealed.pop_front() } else { None };
                    for (data, mut times) in left.into_iter().flatten() {
                        times.negate();
                        session.give((data, time, times));
                    }
                    let pane: Vec<_> = map.into_iter().map(|(key, of)| update(key, of)).collect();
                    session
                        .give_iterator(pane.iter().map(|(data, times)| (data.clone(), time, times.clone())));
                    sealed.push_back(pane);
                }
            }
        },
    );
    updates.as_collection()
}

type Pairs<K, F> = Dataflow<(K, i64), (K, <F as Function>::Of)>;

/// The sum, and how many records it is of, as the difference.
pub fn sum<K: BenchKey + ExchangeData>(window: u64) -> Pairs<K, Sum> {
    let add = |map: &mut Map<K, (i64, isize)>, (key, value)| match map.entry(key) {
        Entry::Occupied(mut sum) => sum.get_mut().plus_equals(&(value, 1)),
        Entry::Vacant(place) => {
            place.insert((value, 1));
        }
    };
    Dataflow::new(
        move |records| {
            let updates = panes(records, window, add, |key, sum| (key, sum));
            updates.count_total().map(|(key, (sum, _))| (key, sum))
        },
        |(key, sum)| pair_hash::<K, Sum>(key, *sum),
    )
}

/// What a pane has of a key as data, merged by `reduce`.
pub fn reduce<K: BenchKey + ExchangeData, F: Function<Of: ExchangeData>>(window: u64) -> Pairs<K, F> {
    let add = |map: &mut Map<K, F::Of>, (key, value)| super::function::add::<K, F>(map, key, F::of(value));
    Dataflow::new(
        move |records| {
            let updates = panes(records, window, add, |key, of| ((key, of), 1_isize));
            updates.reduce(|_, panes, out| {
                let each = panes.iter().flat_map(|(of, times)| (0..*times).map(|_| **of));
                out.extend(each.reduce(F::merge).map(|of| (of, 1_isize)));
            })
        },
        |(key, of)| pair_hash::<K, F>(key, *of),
    )
}
