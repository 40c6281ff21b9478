//! A worker at work: what it does in a turn, with its dataflow and its inputs.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use timely::{communication::Allocator, worker::Worker};

use crate::{
    build_error::BuildError,
    checkpoint::{Restored, state_log::StateLog},
    delivery::pending_output::PendingOutput,
    engine::{
        control::{Control, WorkerOrder},
        flow::Flow,
        input::WorkerInput,
        job_log::{Bytes, LogMessage},
        log_forwarding::{ToLeader, WorkerLogMessages},
        worker::{
            open_batch::OpenBatch,
            start::{BuildResult, LogRoute, RestoredReceiver, WorkerRecovery, WorkerStart},
        },
    },
    ids::Epoch,
    intake::signal::Signal,
    observe::{metrics::Meter, operator_stats},
    partitioner::Owners,
    stream::{context::JobContext, times::Times},
};

/// Chunks taken from a source before the dataflow is stepped: enough to be cheap, few enough that what they
/// become stays in the caches and other sources are not held up.
const TAKE: usize = 8;

/// How long a worker parks at most. A wake-up is lost only if a user's closure itself parks the thread and
/// swallows the token; then this bounds the damage.
const PARK: Duration = Duration::from_millis(500);

/// Steps that a local worker does after the last thing that came, before it sleeps: a record takes one from operator
/// to operator. What is left is done when the batch closes.
const IDLE_STEPS: u32 = 8;

/// A worker at work.
pub(super) struct Running {
    inputs: Vec<Box<dyn WorkerInput>>,
    worker: Worker,
    open: OpenBatch,
    orders: Receiver<WorkerOrder>,
    signal: Arc<Signal>,
    control: Arc<Control>,
    job: Rc<JobContext>,
    pub(super) meter: Meter,
    /// In a cluster with checkpoints: the way to the log.
    to_leader: Option<ToLeader>,
    /// Whether the last turn left something to step.
    busy: bool,
    /// How long the worker may sleep.
    pub(super) idle: Duration,
    /// Steps since the last busy turn, of a local worker.
    idle_steps: u32,
}

impl Running {
    /// A worker with its dataflow, and where it hears what that goes on from. Says whether the dataflow stands.
    pub(super) fn built(
        start: WorkerStart,
        worker: Worker,
    ) -> Result<(Self, Option<RestoredReceiver>), BuildError> {
        let (local_worker, reports) = (start.local_worker, start.built.clone());
        let built = catch_unwind(AssertUnwindSafe(|| Running::new(start, worker)))
            .unwrap_or_else(|panic| Err(BuildError::unwound(panic)));
        // Nobody listens in a cluster, whose start is over when all processes are there.
        let _ = reports
            .send(BuildResult { local_worker, result: built.as_ref().map(drop).map_err(Clone::clone) });
        built
    }

    fn new(start: WorkerStart, mut worker: Worker) -> Result<(Self, Option<RestoredReceiver>), BuildError> {
        let WorkerStart { local_worker, ports, build, orders, signal, control, seed, recovery, built: _ } =
            start;
        let place = (worker.index(), worker.peers());
        let own_notes = WorkerLogMessages::default();
        let state_log = state_log(place, recovery.as_ref(), &control, &own_notes);
        let job = Rc::new(JobContext {
            times: Times::default(),
            local_worker,
            worker: place.0,
            workers: place.1,
            owners: Owners::new(seed),
            interval: control.interval,
            sinks: Cell::new(0),
            awaited: Cell::new(0),
            skip_counters: control.board.skipped.clone(),
            pending_output: PendingOutput::default(),
            state_log: Rc::new(state_log),
            is_ordered: Cell::new(false),
            unread: RefCell::default(),
            slides: RefCell::default(),
        });
        let board = &control.board;
        let metered = board.is_metered.then(|| board.workers[local_worker].cells.clone());
        let meter = Meter::listen(&worker, metered.as_ref());
        let numbers = worker.clone();
        let next = move || numbers.peek_identifier();
        let ((inputs, connected), made) = operator_stats::building(metered, next, || {
            worker.dataflow::<Epoch, _, _>(|scope| {
                let flow = Flow::new(scope, job.clone(), ports);
                build(&flow);
                flow.finish()
            })
        });
        if let Err(wrong) = connected.and_then(|()| job.state_log.name_all()) {
            drop_dataflows(&mut worker);
            return Err(wrong);
        }
        meter.begin(made);
        // Each worker says the same.
        let _ = control.counters.slides.set(job.slides.borrow().iter().copied().collect());
        control.counters.is_ordered.send_if_modified(|known| known.replace(job.is_ordered.get()).is_none());
        let mut to_leader = None;
        let recovery = recovery.map(|WorkerRecovery { built, restored, log_route }| {
            to_leader = log_route.map(|LogRoute { of_process, .. }| {
                ToLeader::new(&mut worker, own_notes, of_process, control.clone())
            });
            // Nobody hears it any more if the job is on its way down.
            let _ = built.send(job.state_log.operators().to_vec());
            restored
        });
        let open = OpenBatch::new(local_worker, inputs.len());
        let running = Running {
            inputs,
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

    /// Resumes behind a batch, which is number 0 here: in it, operators take up their restored state.
    pub(super) fn resume(&mut self, restored: Option<Arc<Restored>>) {
        let Some(restored) = restored else { return };
        let time = restored.time.expect("what is restored is as of a batch");
        self.job.times.go_on(time, restored.timeline.clone());
        self.job.state_log.restore(restored);
        self.job.awaited.update(|parts| parts + self.job.sinks.get());
        self.inputs.iter_mut().for_each(|input| input.advance(1));
        self.open.epoch = 1;
        self.control.board.workers[self.open.local_worker].opens(1);
        self.signal.raise();
    }

    /// Does what was ordered and takes in what waits, then steps the dataflow if there is anything; returns whether
    /// the worker goes on.
    pub(super) fn turn(&mut self) -> bool {
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
                    self.open.take_in(&mut self.inputs, &self.control, usize::MAX);
                    self.job.times.set(epoch, time, follows);
                    self.job.awaited.update(|parts| parts + self.job.sinks.get());
                    self.inputs.iter_mut().for_each(|input| input.advance(epoch + 1));
                    self.open.close(epoch, &self.control);
                    self.busy = true;
                }
                WorkerOrder::Leave => return false,
            }
        }
        if !self.control.is_holding() {
            self.busy |= self.open.take_in(&mut self.inputs, &self.control, TAKE);
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
            control.time_work(open.local_worker, || step(worker, job));
            self.flush_notes();
        }
        true
    }

    /// Sends what there is for the log; the next step takes it on its way.
    fn flush_notes(&mut self) {
        self.to_leader.iter_mut().for_each(ToLeader::flush);
    }

    /// Steps what was not stepped, and parks this thread when there is nothing to do.
    pub(super) fn park(&mut self) {
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
    pub(super) fn has_work(&mut self) -> bool {
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

/// Where the operators of a worker log their state: nowhere, in this process, or with the leader of the cluster.
fn state_log(
    place: (usize, usize),
    recovery: Option<&WorkerRecovery>,
    control: &Arc<Control>,
    own_notes: &WorkerLogMessages,
) -> StateLog {
    match recovery {
        Some(WorkerRecovery { log_route: Some(LogRoute { leads: false, .. }), .. }) => {
            let messages = own_notes.clone();
            let send = move |epoch, part| {
                messages.borrow_mut().push(LogMessage::Part {
                    epoch,
                    worker: place.0 as u32,
                    bytes: Bytes(part),
                });
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
    }
}

/// Timely's part of a worker.
pub(super) fn timely_worker(allocator: Allocator) -> Worker {
    // Without a timer, timely never parks.
    Worker::new(timely::WorkerConfig::default(), allocator, Some(Instant::now()))
}

/// Drops what is installed: a closed input would be run to its end first.
fn drop_dataflows(worker: &mut Worker) {
    for dataflow in worker.installed_dataflows() {
        worker.drop_dataflow(dataflow);
    }
}
