//! The loop of one worker: take in, step, close batches, park.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvError},
    },
    time::{Duration, Instant},
};

use timely::{
    communication::{Allocator, AllocatorBuilder, allocator::thread::Thread},
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, Scope, StreamVec, channels::pact::Pipeline, operators::generic::operator::Operator,
    },
    worker::Worker,
};
use tokio::sync::mpsc;

use super::{
    JobError,
    cluster::Seat,
    control::{Control, Order},
    wiring::{Ends, Flow},
};
use crate::{
    blame,
    connect::{Chunk, Signal},
    record::Record,
    stream::{Epoch, JobContext, Times},
};

/// Chunks taken from a source before the dataflow is stepped: enough to be cheap, few enough that what they
/// become stays in the caches and other sources are not held up.
const TAKE: usize = 8;

/// How long a worker parks at most. A wake-up is lost only if a user's closure itself parks the thread and
/// swallows the token; then this bounds the damage.
const PARK: Duration = Duration::from_millis(500);

/// The worker's end of one source.
pub(crate) trait Intake {
    /// Takes in up to `chunks` chunks that may belong to the batch `open`; returns chunks and records taken.
    fn take(&mut self, chunks: usize, open: Epoch) -> (usize, u64);
    /// Closes the open batch: later records belong to `epoch`.
    fn advance(&mut self, epoch: Epoch);
}

pub(crate) struct Injector<T: Record> {
    chunks: mpsc::Receiver<Chunk<T>>,
    /// Taken from the queue before it was known that its batch is open.
    early: Option<Chunk<T>>,
    input: InputHandle<Epoch, CapacityContainerBuilder<Vec<T>>>,
}

impl<T: Record> Injector<T> {
    pub(crate) fn new<'s>(
        chunks: mpsc::Receiver<Chunk<T>>,
        scope: Scope<'s, Epoch>,
    ) -> (Self, StreamVec<'s, Epoch, T>) {
        let mut input = InputHandle::new_with_builder();
        // An operator between the input and whatever reads it. An exchange right behind an input can lose its
        // flush: timely's input passes one on only while it has something to report, and a step between sending
        // and closing may have reported it. What an operator sends is flushed before that operator is left.
        let root = input.to_stream(scope).unary(Pipeline, "Source", |_, _| {
            move |input, output| input.for_each(|time, records| output.session(&time).give_container(records))
        });
        (Injector { chunks, early: None, input }, root)
    }
}

impl<T: Record> Intake for Injector<T> {
    fn take(&mut self, chunks: usize, open: Epoch) -> (usize, u64) {
        let (mut taken, mut records) = (0, 0);
        while taken < chunks
            && let Some(mut chunk) = self.early.take().or_else(|| self.chunks.try_recv().ok())
        {
            if chunk.sent_in > open {
                self.early = Some(chunk);
                break;
            }
            taken += 1;
            records += chunk.records.len() as u64;
            self.input.send_batch(&mut chunk.records);
        }
        (taken, records)
    }
    fn advance(&mut self, epoch: Epoch) {
        self.input.advance_to(epoch);
        self.input.flush();
    }
}

/// What a worker takes to its thread.
pub(crate) struct WorkerStart {
    pub(crate) ends: Ends,
    pub(crate) build: Box<dyn FnOnce(&Flow<'_>) + Send>,
    pub(crate) orders: Receiver<Order>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) control: Arc<Control>,
}

/// How a worker reaches the others.
pub(crate) enum Reach {
    /// They are in this process.
    Here(AllocatorBuilder),
    /// When all processes are there.
    Cluster(Receiver<Seat>),
}

/// How a worker's thread ended: a panic is the operator's.
pub(crate) type Exit = Result<(), JobError>;

/// Runs a worker on a thread of its own, which reports its end to `exits`.
pub(crate) fn spawn(
    name: String,
    start: WorkerStart,
    reach: Reach,
    exits: mpsc::UnboundedSender<Exit>,
) -> std::io::Result<()> {
    let control = start.control.clone();
    let thread = std::thread::Builder::new().name(name);
    thread.spawn(move || {
        let seat = match reach {
            Reach::Here(allocator) => Ok((allocator, None)),
            Reach::Cluster(seats) => seats.recv().map(|seat| (seat.allocator, Some(seat.present))),
        };
        let exit = match seat {
            Ok((allocator, present)) => {
                // Without a timer, timely never parks.
                let now = Some(Instant::now());
                let mut worker = Worker::new(timely::WorkerConfig::default(), build(allocator), now);
                let ended = catch_unwind(AssertUnwindSafe(|| run(start, &mut worker)));
                // Outside of the unwinding: timely's threads panic if they see an allocator dropped in there.
                drop(worker);
                drop(present);
                ended.map_err(|payload| JobError::OperatorPanicked {
                    // Outside of every operator there is only the code between them, which builds the dataflow.
                    operator: blame::take().map_or("the body of the pipeline", |id| id.0).to_owned(),
                    message: blame::message(&*payload),
                })
            }
            // The processes did not come together; the link has said why.
            Err(RecvError) => Ok(()),
        };
        if exit.is_err() {
            // The other workers must not wait for this one's progress.
            control.abort();
        }
        // The supervisor is gone only with its runtime, and then nobody asks.
        let _ = exits.send(exit);
    })?;
    Ok(())
}

/// What timely's own start does on a worker's thread; its trait for it is private.
fn build(allocator: AllocatorBuilder) -> Allocator {
    match allocator {
        AllocatorBuilder::Thread(_) => Allocator::Thread(Thread::default()),
        AllocatorBuilder::Process(process) => Allocator::Process(process.build()),
        AllocatorBuilder::Tcp(tcp) => Allocator::Tcp(tcp.build()),
    }
}

/// Runs one worker until it is told to leave or the job is aborted.
fn run(start: WorkerStart, worker: &mut Worker) {
    let WorkerStart { ends, build, orders, signal, control } = start;
    signal.attach();
    let job = Rc::new(JobContext {
        times: Times::default(),
        worker: worker.index(),
        workers: worker.peers(),
        interval: control.interval,
    });
    let mut intakes = worker.dataflow::<Epoch, _, _>(|scope| {
        let flow = Flow::new(scope, job.clone(), ends);
        build(&flow);
        flow.into_intakes()
    });
    let mut open = Open { epoch: 0, records: vec![0; intakes.len()], dirty: false };
    while !control.is_aborted() {
        signal.take();
        let mut busy = false;
        while let Ok(order) = orders.try_recv() {
            match order {
                Order::Close(epoch, time) => {
                    // What was sent before this order is tagged with this batch or an older one.
                    open.take_in(&mut intakes, &control, usize::MAX);
                    job.times.set(epoch, time);
                    intakes.iter_mut().for_each(|intake| intake.advance(epoch + 1));
                    open.close(epoch, &control);
                    busy = true;
                }
                Order::Leave => {
                    drop_dataflows(worker);
                    return;
                }
            }
        }
        if !control.is_holding() {
            busy |= open.take_in(&mut intakes, &control, TAKE);
            if open.dirty {
                // The order comes back through the queue like any other, before this worker parks.
                control.close_early(open.epoch);
            }
        }
        if busy || signal.is_raised() {
            worker.step();
        } else {
            worker.step_or_park(Some(PARK));
        }
    }
    drop_dataflows(worker);
}

/// The open batch as one worker sees it.
struct Open {
    epoch: Epoch,
    /// Records taken in, by source.
    records: Vec<u64>,
    dirty: bool,
}

impl Open {
    /// Takes in up to `chunks` chunks of each source; returns whether there were any.
    fn take_in(&mut self, intakes: &mut [Box<dyn Intake>], control: &Control, chunks: usize) -> bool {
        let mut fed = 0;
        for (intake, total) in intakes.iter_mut().zip(&mut self.records) {
            let (taken, records) = intake.take(chunks, self.epoch);
            *total += records;
            fed += taken;
        }
        if fed == 0 {
            return false;
        }
        if !self.dirty {
            self.dirty = true;
            control.soiled();
        }
        // Only now: whoever sees no chunk pending must see the batch dirty.
        control.books.pending.fetch_sub(fed, Ordering::AcqRel);
        true
    }

    fn close(&mut self, epoch: Epoch, control: &Control) {
        control.took_in(epoch, &self.records);
        self.records.fill(0);
        if std::mem::take(&mut self.dirty) {
            control.cleaned();
        }
        self.epoch = epoch + 1;
    }
}

/// Drops what is installed: a closed input would be run to its end first.
fn drop_dataflows(worker: &mut Worker) {
    for dataflow in worker.installed_dataflows() {
        worker.drop_dataflow(dataflow);
    }
}
