//! Five stateless operators against one closure that does the same, in the same engine, and in an operator by hand on
//! timely whose input another thread makes too.
//!
//! Estimate, before the first run: 1.0x. The five closures are fused by type into the operator that reads
//! them, so the compiler sees one loop either way.

use std::{
    cell::Cell,
    collections::BTreeMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::Instant,
};

use streaming_runtime::{
    ManualClock, Pipeline,
    connect::{Batch, ConnectorError, SourceContext},
    prelude::*,
};
use timely::{
    WorkerConfig,
    communication::{Allocator, allocator::thread::Thread},
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, ProbeHandle,
        channels::pact::Pipeline as Here,
        operators::{Capability, Probe, generic::operator::Operator},
    },
    worker::Worker,
};

use contenders::{
    dataflow::epoch_of,
    measure::{Contender, Output, Row, Runs, in_turn, mix},
};

stream!(
    /// Five operators.
    #[batch(secs(1))]
    fn five<numbers: Source<u64>, total: Sink<u64>>() {
        let odd = numbers.map(|n| n ^ (n >> 7)).filter(|n| n % 3 != 0);
        let picked =
            odd.map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).filter_map(|n| (n & 8 == 0).then_some(n >> 3));
        picked.map(|n| n % 1000).reduce(|a, b| a + b).to(total);
    }
);

stream!(
    /// One operator that does what the five do.
    #[batch(secs(1))]
    fn one<numbers: Source<u64>, total: Sink<u64>>() {
        let picked = numbers.filter_map(|n| {
            let n = n ^ (n >> 7);
            if n % 3 == 0 {
                return None;
            }
            let n = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (n & 8 == 0).then_some((n >> 3) % 1000)
        });
        picked.reduce(|a, b| a + b).to(total);
    }
);

const BATCH: u64 = 1_000_000;

pub fn run(runs: Runs) -> Vec<Row> {
    let batches = if runs.quick { 10 } else { 50 };
    let contenders = [
        contender("stream, one closure", batches, |numbers, total| one::Ports { numbers, total }),
        contender("stream, five operators", batches, |numbers, total| five::Ports { numbers, total }),
        Contender {
            engine: "plain loop",
            workers: 1,
            set_up: Box::new(move || Box::new(move || plain(batches))),
        },
        Contender {
            engine: "timely by hand",
            workers: 1,
            set_up: Box::new(move || Box::new(move || by_hand(batches))),
        },
    ];
    let params = BTreeMap::from([("records_a_batch", BATCH.into()), ("batches", batches.into())]);
    in_turn("chain", params, batches * BATCH, runs, &contenders)
}

fn contender<P: Pipeline + 'static>(
    engine: &'static str,
    batches: u64,
    ports: impl Fn(Numbers, Total) -> P + Copy + 'static,
) -> Contender<'static> {
    Contender { engine, workers: 1, set_up: Box::new(move || Box::new(move || drive(batches, ports))) }
}

fn drive<P: Pipeline>(batches: u64, ports: impl FnOnce(Numbers, Total) -> P) -> Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let total = Arc::new(AtomicU64::new(0));
    let ports = ports(Numbers(batches), Total(total.clone()));
    runtime.expect("a runtime").block_on(async {
        let clock = ManualClock::new();
        let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
        clock.advance(secs(batches));
        job.join().await.expect("it ends well");
    });
    Box::new(move || total.load(Ordering::Relaxed))
}

struct Numbers(u64);
impl Source<u64> for Numbers {
    const PACED: bool = true;
    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        for batch in 0..self.0 {
            out.batch_due().await;
            for chunk in 0..BATCH / 1000 {
                let first = batch * BATCH + chunk * 1000;
                out.send_all((first..first + 1000).map(mix).collect()).await?;
            }
        }
        Ok(())
    }
}

struct Total(Arc<AtomicU64>);
impl Sink<u64> for Total {
    async fn write(&mut self, batch: Batch<u64>) -> Result<(), ConnectorError> {
        self.0.fetch_add(batch.records.iter().sum(), Ordering::Relaxed);
        Ok(())
    }
}

/// What the five do to a number.
fn picked(n: u64) -> Option<u64> {
    let n = n ^ (n >> 7);
    if n.is_multiple_of(3) {
        return None;
    }
    let n = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (n & 8 == 0).then_some((n >> 3) % 1000)
}

fn plain(batches: u64) -> Output {
    let total: u64 = (0..batches * BATCH).map(mix).filter_map(picked).sum();
    Box::new(move || total)
}

/// What somebody writes who knows timely: one operator, sums that go out with their batch, two batches in flight.
fn by_hand(batches: u64) -> Output {
    let (sender, chunks) = sync_channel::<Vec<u64>>(1024);
    let numbers = thread::spawn(move || {
        for first in (0..batches * BATCH).step_by(1000) {
            sender.send((first..first + 1000).map(mix).collect()).expect("it is read to its end");
        }
    });
    let alloc = Allocator::Thread(Thread::default());
    let mut worker = Worker::new(WorkerConfig::default(), alloc, Some(Instant::now()));
    let mut input = InputHandle::<u64, CapacityContainerBuilder<Vec<u64>>>::new_with_builder();
    let probe = ProbeHandle::new();
    let total = Rc::new(Cell::new(0));
    let sum = total.clone();
    worker.dataflow(|scope| {
        let sums = input.to_stream(scope).unary_frontier::<CapacityContainerBuilder<Vec<u64>>, _, _, _>(
            Here,
            "Five",
            |_, _| {
                let mut open = BTreeMap::<u64, (Capability<u64>, u64)>::new();
                move |(input, frontier), output| {
                    input.for_each(|time, numbers| {
                        let epoch = epoch_of(&time);
                        let (_, sum) = open.entry(epoch).or_insert_with(|| (time.delayed(&epoch, 0), 0));
                        *sum += numbers.drain(..).filter_map(picked).sum::<u64>();
                    });
                    while let Some(first) =
                        open.first_entry().filter(|first| !frontier.less_equal(first.key()))
                    {
                        let (time, sum) = first.remove();
                        output.session(&time).give(sum);
                    }
                }
            },
        );
        sums.probe_with(&probe).sink(Here, "Total", move |(input, _)| {
            input.for_each(|_, sums| sum.set(sum.get() + sums.drain(..).sum::<u64>()));
        });
    });
    for (n, mut chunk) in (1..).zip(chunks) {
        input.send_batch(&mut chunk);
        worker.step();
        if n * 1000 % BATCH == 0 {
            let batch = n * 1000 / BATCH;
            input.advance_to(batch);
            while probe.less_than(&(batch - 1)) {
                worker.step();
            }
        }
    }
    input.close();
    while !probe.done() {
        worker.step();
    }
    numbers.join().expect("it sends");
    let total = total.get();
    Box::new(move || total)
}
