//! One worker: it takes records in, steps the dataflow, closes batches, and sleeps. On a thread of its own, or as a future.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvError, Sender},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::FutureExt;
use timely::{
    communication::{Allocator, AllocatorBuilder, allocator::thread::Thread},
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, Scope, StreamVec, channels::pact::Pipeline, operators::generic::operator::Operator,
    },
    worker::Worker,
};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    build_error::BuildError,
    checkpoint::{OperatorState, Restored, state_log::StateLog},
    delivery::pending_output::PendingOutput,
    engine::{
        cluster::ProcessSeat,
        control::{Control, WorkerOrder},
        job_log::{Bytes, Note, Notes},
        log_forwarding::{Own, ToLeader},
        wiring::{Ends, Flow},
    },
    error::JobError,
    ids::Epoch,
    intake::source_context::{Chunk, PendingAcks, Signal},
    observe::{metrics::Meter, operator_stats},
    partitioner::Owners,
    record::Record,
    stream::{context::JobContext, times::Times},
};

/// Chunks taken from a source before the dataflow is stepped: enough to be cheap, few enough that what they
/// become stays in the caches and other sources are not held up.
const TAKE: usize = 8;

/// How long a worker parks at most. A wake-up is lost only if a user's closure itself parks the thread and
/// swallows the token; then this bounds the damage.
const PARK: Duration = Duration::from_millis(500);

/// How long a local worker works before it lets the other tasks of its thread have their turn. A single step may take
/// longer: an operator is not interrupted.
const SLICE: Duration = Duration::from_micros(100);

/// Steps that a local worker does after the last thing that came, before it sleeps: a record takes one from operator
/// to operator. What is left is done when the batch closes.
const IDLE_STEPS: u32 = 8;

/// The worker's end of one source.
pub(crate) trait Intake {
    /// Takes in up to `chunks` chunks that may belong to the batch `open`, with what is due for them; returns chunks and
    /// records taken.
    fn take(&mut self, chunks: usize, open: Epoch, dues: &mut PendingAcks) -> (usize, u64);
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
    fn take(&mut self, chunks: usize, open: Epoch, dues: &mut PendingAcks) -> (usize, u64) {
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
            dues.append(&mut chunk.dues);
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
    /// Its place in this process, from 0.
    pub(crate) seat: usize,
    pub(crate) ends: Ends,
    pub(crate) build: Box<dyn FnOnce(&Flow<'_>) + Send>,
    pub(crate) orders: Receiver<WorkerOrder>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) control: Arc<Control>,
    /// By which keys are dealt out to workers. In a cluster the leader's is told with the allocator.
    pub(crate) seed: u64,
    /// Where it says whether its dataflow stands.
    pub(crate) built: Sender<Built>,
    /// In a job with checkpoints.
    pub(crate) recovery: Option<Resume>,
}

/// A worker's place in this process, and what is wrong with its dataflow if anything is.
pub(crate) type Built = (usize, Result<(), BuildError>);

/// How a worker of a job with checkpoints begins: it says what its operators keep, and hears what they go on from.
pub(crate) struct Resume {
    pub(crate) built: mpsc::UnboundedSender<Vec<OperatorState>>,
    pub(crate) restored: oneshot::Receiver<Option<Arc<Restored>>>,
    /// In a cluster.
    pub(crate) notes: Option<Noting>,
}

/// How a worker of a cluster reaches the log.
pub(crate) struct Noting {
    /// Whether the log is in this process.
    pub(crate) leads: bool,
    /// For the first worker of a process: what its sources have for the log.
    pub(crate) of_process: Option<Arc<Notes>>,
}

/// How a worker reaches the others.
pub(crate) enum Reach {
    /// They are in this process.
    Here(Box<AllocatorBuilder>),
    /// When all processes are there.
    Cluster(Receiver<ProcessSeat>),
}

/// How a worker ended: a panic is the operator's.
pub(crate) type Exit = Result<(), JobError>;

/// Runs a worker on a thread of its own, which reports its end to `exits`.
pub(crate) fn spawn(
    name: String,
    mut start: WorkerStart,
    reach: Reach,
    exits: mpsc::UnboundedSender<Exit>,
) -> std::io::Result<()> {
    let control = start.control.clone();
    let thread = std::thread::Builder::new().name(name);
    thread.spawn(move || {
        let _span = tracing::info_span!("worker", job = %control.board.job).entered();
        let seat = match reach {
            Reach::Here(allocator) => Ok((*allocator, None)),
            Reach::Cluster(seats) => seats.recv().map(|seat| {
                start.seed = seat.seed;
                (seat.allocator, Some(seat.present))
            }),
        };
        let exit = match seat {
            Ok((allocator, _present)) => {
                // Dropped outside of the unwinding: in there, timely's threads of a cluster would panic, too.
                let worker = on(build(allocator));
                let run = || {
                    start.signal.attach_thread();
                    let (mut running, recovery) =
                        Running::built(start, worker.clone()).map_err(JobError::Build)?;
                    if let Some(restored) = recovery {
                        // It will not come: the supervisor knows why.
                        let Ok(restored) = restored.blocking_recv() else { return Ok(()) };
                        running.go_on(restored);
                    }
                    while running.turn() {
                        running.park();
                    }
                    Ok(())
                };
                catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(JobError::unwound(panic)))
            }
            // The processes did not come together, and the supervisor hears why.
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

/// The worker of a job that was started with [`Engine::start_local`](crate::Engine::start_local): a future that does the
/// job's work on whatever thread polls it, a slice of some 100 us at a time, and sleeps while there is nothing to do. It is
/// ready when the job has ended. Dropping it before ends the job with [`JobError::WorkerDropped`].
#[must_use = "the job does nothing unless its worker is polled: give it to `spawn_local`"]
pub struct LocalWorker {
    work: Pin<Box<dyn Future<Output = Exit>>>,
    control: Arc<Control>,
    exits: Option<mpsc::UnboundedSender<Exit>>,
}

impl LocalWorker {
    /// Builds the dataflow on this thread.
    pub(crate) fn new(start: WorkerStart, exits: mpsc::UnboundedSender<Exit>) -> Result<Self, BuildError> {
        let (control, wake) = (start.control.clone(), start.signal.attach_task());
        let (running, recovery) = Running::built(start, on(Allocator::Thread(Thread::default())))?;
        let work = AssertUnwindSafe(work(running, recovery, wake)).catch_unwind();
        let work = Box::pin(work.map(|end| end.map_err(JobError::unwound)));
        Ok(LocalWorker { work, control, exits: Some(exits) })
    }

    fn exit(&mut self, exit: Exit) {
        if let Some(exits) = self.exits.take() {
            if exit.is_err() {
                self.control.abort();
            }
            let _ = exits.send(exit);
        }
    }
}

impl Future for LocalWorker {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.exits.is_none() {
            return Poll::Ready(());
        }
        self.work.as_mut().poll(context).map(|exit| self.exit(exit))
    }
}

impl Drop for LocalWorker {
    fn drop(&mut self) {
        self.exit(Err(JobError::WorkerDropped));
    }
}

impl std::fmt::Debug for LocalWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalWorker").finish_non_exhaustive()
    }
}

/// The loop of a local worker.
async fn work(mut running: Running, recovery: Option<Restoring>, wake: Arc<Notify>) {
    if let Some(restored) = recovery {
        let Ok(restored) = restored.await else { return };
        running.go_on(restored);
    }
    let mut began = Instant::now();
    while running.turn() {
        if running.has_work() {
            if began.elapsed() < SLICE {
                continue;
            }
            tokio::task::yield_now().await;
        } else {
            running.meter.publish();
            // A wake-up that comes before this line is kept for it.
            let _ = tokio::time::timeout(running.idle, wake.notified()).await;
        }
        began = Instant::now();
    }
}

/// What timely's own start does on a worker's thread; its trait for it is private.
fn build(allocator: AllocatorBuilder) -> Allocator {
    match allocator {
        AllocatorBuilder::Thread(_) => Allocator::Thread(Thread::default()),
        AllocatorBuilder::Process(process) => Allocator::Process(process.build()),
        AllocatorBuilder::Tcp(tcp) => Allocator::Tcp(tcp.build()),
    }
}

/// Timely's part of a worker.
fn on(allocator: Allocator) -> Worker {
    // Without a timer, timely never parks.
    Worker::new(timely::WorkerConfig::default(), allocator, Some(Instant::now()))
}

type Restoring = oneshot::Receiver<Option<Arc<Restored>>>;

/// A worker at work.
struct Running {
    intakes: Vec<Box<dyn Intake>>,
    worker: Worker,
    open: OpenBatch,
    orders: Receiver<WorkerOrder>,
    signal: Arc<Signal>,
    control: Arc<Control>,
    job: Rc<JobContext>,
    meter: Meter,
    /// In a cluster with checkpoints: the way to the log.
    to_leader: Option<ToLeader>,
    /// Whether the last turn left something to step.
    busy: bool,
    /// How long the worker may sleep.
    idle: Duration,
    /// Steps since the last busy turn, of a local worker.
    idle_steps: u32,
}

impl Running {
    /// A worker with its dataflow, and where it hears what that goes on from. Says whether the dataflow stands.
    fn built(start: WorkerStart, worker: Worker) -> Result<(Self, Option<Restoring>), BuildError> {
        let (seat, told) = (start.seat, start.built.clone());
        let built = catch_unwind(AssertUnwindSafe(|| Running::new(start, worker)))
            .unwrap_or_else(|panic| Err(BuildError::unwound(panic)));
        // Nobody listens in a cluster, whose start is over when all processes are there.
        let _ = told.send((seat, built.as_ref().map(drop).map_err(Clone::clone)));
        built
    }

    fn new(start: WorkerStart, mut worker: Worker) -> Result<(Self, Option<Restoring>), BuildError> {
        let WorkerStart { seat, ends, build, orders, signal, control, seed, recovery, built: _ } = start;
        let place = (worker.index(), worker.peers());
        let own = Own::default();
        let ledger = match &recovery {
            Some(Resume { notes: Some(Noting { leads: false, .. }), .. }) => {
                let own = own.clone();
                let send = move |epoch, part| {
                    own.borrow_mut().push(Note::Part { epoch, worker: place.0 as u32, bytes: Bytes(part) });
                };
                StateLog::new(place, Box::new(send))
            }
            Some(_) => {
                let control = control.clone();
                let send = move |epoch, part| {
                    let log = control.log().expect("workers step only when there is a log");
                    log.part(epoch, place.0, part);
                };
                StateLog::new(place, Box::new(send))
            }
            None => StateLog::default(),
        };
        let job = Rc::new(JobContext {
            times: Times::default(),
            local_worker: seat,
            worker: place.0,
            workers: place.1,
            owners: Owners::new(seed),
            interval: control.interval,
            sinks: Cell::new(0),
            awaited: Cell::new(0),
            skip_counters: control.board.skipped.clone(),
            pending_output: PendingOutput::default(),
            state_log: Rc::new(ledger),
            is_ordered: Cell::new(false),
            unread: RefCell::default(),
            slides: RefCell::default(),
        });
        let board = &control.board;
        let metered = board.is_metered.then(|| board.workers[seat].cells.clone());
        let meter = Meter::listen(&worker, metered.as_ref());
        let numbers = worker.clone();
        let next = move || numbers.peek_identifier();
        let ((intakes, whole), made) = operator_stats::building(metered, next, || {
            worker.dataflow::<Epoch, _, _>(|scope| {
                let flow = Flow::new(scope, job.clone(), ends);
                build(&flow);
                flow.finish()
            })
        });
        if let Err(wrong) = whole.and_then(|()| job.state_log.name_all()) {
            drop_dataflows(&mut worker);
            return Err(wrong);
        }
        meter.begin(made);
        // Each worker says the same.
        let _ = control.books.slides.set(job.slides.borrow().iter().copied().collect());
        control.books.is_ordered.send_if_modified(|known| known.replace(job.is_ordered.get()).is_none());
        let mut to_leader = None;
        let recovery = recovery.map(|Resume { built, restored, notes }| {
            to_leader = notes.map(|Noting { of_process, .. }| {
                ToLeader::new(&mut worker, own, of_process, control.clone())
            });
            // Nobody hears it any more if the job is on its way down.
            let _ = built.send(job.state_log.operators().to_vec());
            restored
        });
        let open = OpenBatch {
            epoch: 0,
            seat,
            records: vec![0; intakes.len()],
            dues: PendingAcks::default(),
            dirty: false,
        };
        let running = Running {
            intakes,
            worker,
            open,
            orders,
            signal,
            control,
            job,
            meter,
            to_leader,
            busy: false,
            idle: PARK,
            idle_steps: 0,
        };
        Ok((running, recovery))
    }

    /// Goes on behind a batch, which is number 0 in here: in it, operators take up what they had.
    fn go_on(&mut self, restored: Option<Arc<Restored>>) {
        let Some(restored) = restored else { return };
        let time = restored.time.expect("what is restored is as of a batch");
        self.job.times.go_on(time, restored.timeline.clone());
        self.job.state_log.restore(restored);
        self.job.awaited.update(|parts| parts + self.job.sinks.get());
        self.intakes.iter_mut().for_each(|intake| intake.advance(1));
        self.open.epoch = 1;
        self.control.board.workers[self.open.seat].opens(1);
        self.signal.raise();
    }

    /// Does what was ordered and takes in what waits, then steps the dataflow if there is anything; returns whether
    /// the worker goes on.
    fn turn(&mut self) -> bool {
        if self.control.is_aborted() {
            return false;
        }
        self.signal.take();
        self.busy = false;
        self.idle = PARK;
        while let Ok(order) = self.orders.try_recv() {
            match order {
                WorkerOrder::Close(epoch, time, follows) => {
                    self.meter.publish();
                    // The mark and the input of the batch, before anything of it can be complete.
                    self.flush_notes();
                    // What was sent before this order is tagged with this batch or an older one.
                    self.open.take_in(&mut self.intakes, &self.control, usize::MAX);
                    self.job.times.set(epoch, time, follows);
                    self.job.awaited.update(|parts| parts + self.job.sinks.get());
                    self.intakes.iter_mut().for_each(|intake| intake.advance(epoch + 1));
                    self.open.close(epoch, &self.control);
                    self.busy = true;
                }
                WorkerOrder::Leave => return false,
            }
        }
        if !self.control.is_holding() {
            self.busy |= self.open.take_in(&mut self.intakes, &self.control, TAKE);
            if self.open.dirty
                // The order comes back through the queue like any other, before this worker sleeps.
                && let Some(soon) = self.control.close_early(self.open.epoch)
            {
                self.idle = soon.min(PARK);
            }
        }
        self.busy |= self.signal.is_raised();
        if self.busy {
            let Running { worker, job, control, open, .. } = self;
            control.timed(open.seat, || step(worker, job));
            self.flush_notes();
        }
        true
    }

    /// Sends what there is for the log; the next step takes it on its way.
    fn flush_notes(&mut self) {
        self.to_leader.iter_mut().for_each(ToLeader::flush);
    }

    /// Steps what was not stepped, and parks this thread when there is nothing to do.
    fn park(&mut self) {
        if !self.busy {
            self.meter.publish();
            self.worker.step_or_park(Some(self.idle));
            self.job.pending_output.flush();
            self.flush_notes();
        }
    }

    /// Steps what was not stepped; returns whether there is more. Timely does not say whether messages wait between
    /// operators, so this one does not sleep before each closed batch has come to the sinks, nor before a few idle
    /// steps have brought the records of the open one forward.
    fn has_work(&mut self) -> bool {
        match self.busy {
            true => self.idle_steps = 0,
            false => {
                step(&mut self.worker, &self.job);
                self.idle_steps += 1;
            }
        }
        self.signal.is_raised()
            || self.open.dirty && self.idle_steps < IDLE_STEPS
            || self.job.awaited.get() > 0
            || self.job.pending_output.holds_back()
            || self.worker.activations().borrow().empty_for() == Some(Duration::ZERO)
    }
}

fn step(worker: &mut Worker, job: &JobContext) {
    worker.step();
    job.pending_output.flush();
}

impl Drop for Running {
    fn drop(&mut self) {
        // What panicked is left as it is.
        if !std::thread::panicking() {
            self.meter.end();
            drop_dataflows(&mut self.worker);
        }
    }
}

/// The open batch as one worker sees it.
struct OpenBatch {
    epoch: Epoch,
    seat: usize,
    /// Records taken in, by source.
    records: Vec<u64>,
    /// What is due when it is delivered.
    dues: PendingAcks,
    dirty: bool,
}

impl OpenBatch {
    /// Takes in up to `chunks` chunks of each source; returns whether there were any.
    fn take_in(&mut self, intakes: &mut [Box<dyn Intake>], control: &Control, chunks: usize) -> bool {
        let mut fed = 0;
        for (source, (intake, total)) in intakes.iter_mut().zip(&mut self.records).enumerate() {
            let (taken, records) = intake.take(chunks, self.epoch, &mut self.dues);
            *total += records;
            fed += taken;
            if records > 0 {
                control.board.workers[self.seat].took_in(source, records, control.clock.now());
            }
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
        control.took_in(epoch, &self.records, &mut self.dues);
        self.records.fill(0);
        if std::mem::take(&mut self.dirty) {
            control.cleaned();
        }
        self.epoch = epoch + 1;
        control.board.workers[self.seat].opens(self.epoch);
    }
}

/// Drops what is installed: a closed input would be run to its end first.
fn drop_dataflows(worker: &mut Worker) {
    for dataflow in worker.installed_dataflows() {
        worker.drop_dataflow(dataflow);
    }
}
