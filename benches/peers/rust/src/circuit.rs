//! A DBSP circuit that is fed batch by batch: one transaction a batch.

use dbsp::{
    Batch, DBSPHandle, DynZWeight, IndexedZSetReader, InputHandle, RootCircuit, Runtime, Stream, ZWeight,
    circuit::CircuitConfig,
    typed_batch::{BatchReader, SpineSnapshot},
};

/// What a batch brought, which is summed up when that is not timed: of all changes the hash times the weight.
pub type Changes = Box<dyn FnOnce() -> u64>;

/// How a worker's part of a batch is given to it.
pub trait Give<I>: Send + 'static {
    fn give(&self, worker: usize, part: I);
}

impl<I: Send + Clone + 'static> Give<I> for InputHandle<I> {
    fn give(&self, worker: usize, part: I) {
        self.set_for_worker(worker, part);
    }
}

/// A circuit that takes a batch of `I` on each of its workers.
pub struct Driven<I> {
    circuit: DBSPHandle,
    give: Box<dyn Fn(usize, I)>,
    take: Box<dyn Fn() -> Changes>,
}

impl<I: 'static> Driven<I> {
    /// Builds the circuit. `wire` makes it on each worker, with an input that has a part of a batch on each.
    pub fn new<G, B>(
        workers: usize,
        wire: impl FnOnce(&mut RootCircuit) -> (G, Stream<RootCircuit, B>) + Clone + Send + 'static,
        hash: fn(&B::Key, &B::Val) -> u64,
    ) -> Driven<I>
    where
        G: Give<I>,
        B: Batch<Time = (), R = ZWeight, DynR = DynZWeight> + Send,
        SpineSnapshot<B>: IndexedZSetReader + BatchReader<Key = B::Key, Val = B::Val> + Send + Clone,
    {
        // All of a batch is there before its transaction.
        let config = CircuitConfig::with_workers(workers).with_allow_input_during_commit(false);
        let built = Runtime::init_circuit(config, move |circuit| {
            let (input, output) = wire(circuit);
            Ok((input, output.accumulate_output()))
        });
        let (circuit, (input, output)) = built.expect("the circuit is well formed");
        let take = move || -> Changes {
            let changes = output.take_from_all();
            Box::new(move || {
                let each = changes.iter().flat_map(|part| part.iter());
                each.map(|(key, value, weight)| hash(&key, &value).wrapping_mul(weight as u64))
                    .fold(0, u64::wrapping_add)
            })
        };
        Driven { circuit, give: Box::new(move |worker, part| input.give(worker, part)), take: Box::new(take) }
    }

    /// Takes a batch in, a part for each worker, and has all that comes of it.
    pub fn step(&mut self, parts: Vec<I>) -> Changes {
        for (worker, part) in parts.into_iter().enumerate() {
            (self.give)(worker, part);
        }
        self.circuit.transaction().expect("it goes on");
        (self.take)()
    }

    /// Stops the workers.
    pub fn stop(self) {
        self.circuit.kill().expect("no worker panicked");
    }
}

/// Contiguous parts of a batch, one for each worker.
pub fn parts<T>(mut batch: Vec<T>, workers: usize) -> Vec<Vec<T>> {
    let share = batch.len().div_ceil(workers);
    let mut parts = Vec::new();
    for _ in 0..workers {
        let rest = batch.split_off(share.min(batch.len()));
        parts.push(std::mem::replace(&mut batch, rest));
    }
    parts
}
