//! Turns ports with connectors into what workers, source tasks and sink tasks need.

use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use timely::dataflow::Scope;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument;

use crate::{
    build_error::BuildError,
    checkpoint::{Input, crash_point, state_log},
    codec::Forms,
    contract::{
        checkpoint_mark::CheckpointMark,
        error::ConnectorError,
        sink::{Batch, Delivery, Sink},
        source::{Recovery, Source},
        target::{Claim, Origin, Target},
    },
    engine::{
        control::Control,
        job_log::InputLog,
        worker::{Injector, Intake},
    },
    ids::{Epoch, OpId},
    intake::{
        admission::Admissions,
        progress::SourceProgress,
        source_context::{
            Chunk, IntakeCounters, Journal, PaceRequest, Signal, SourceContext, SourceTrack, WorkerQueue,
        },
    },
    observe::metrics::Waiting,
    operators::sink::{Part, PartSender, Renewed, SinkPort, Streams, ToSink},
    record::Record,
    schema::{
        Schema, {self},
    },
    stream::{Stream, context::JobContext, rhythm::Rhythm},
    time::BatchTime,
};

/// A pipeline with its connectors and values: what `stream!` makes of a header, ready to start.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no pipeline with its connectors",
    label = "expected the `Ports` of a pipeline",
    note = "give each port of the header by its name: `Engine::new().start(name::Ports {{ source: connector, sink: connector }})`"
)]
pub trait Pipeline: Sized {
    /// The pipeline's name.
    const NAME: &'static str;
    /// The batch interval.
    const BATCH: Duration;
    /// The plan in Mermaid.
    const PLAN: &'static str;
    /// The ids of its operators.
    const OPERATORS: &'static [&'static str];
    /// How each operator and each call is made, for state whose name changes: `id mark`.
    #[doc(hidden)]
    const MARKS: &'static [&'static str];
    /// The sources whose records come to each of them.
    #[doc(hidden)]
    const FEEDS: &'static [(&'static str, &'static [&'static str])] = &[];
    #[doc(hidden)]
    fn wire(self, wiring: &mut Wiring);
}

/// A run-time value of a pipeline.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a value of a pipeline",
    label = "each worker gets a copy of this value on its own thread, so it must be `Clone + Send` and own its data",
    note = "wrap what is shared in an `Arc`; give owned data, such as `String` for `&str`"
)]
pub trait Value: Clone + Send + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Value for T {}

type Task = Pin<Box<dyn Future<Output = Result<(), ConnectorError>> + Send>>;

/// A source port with its connector's future.
pub(crate) struct SourceTask {
    pub(crate) port: &'static str,
    pub(crate) task: Box<dyn FnOnce(Duration, BatchTime, watch::Receiver<bool>) -> Task + Send>,
    /// Whether it is asked to end before it is dropped.
    pub(crate) drains: bool,
    /// Whether it needs a thread of its own.
    pub(crate) may_block: bool,
    /// Where a paced source is asked for its batches.
    pub(crate) pace: Option<mpsc::Sender<PaceRequest>>,
    /// How full its queues to the workers are.
    pub(crate) queues: Vec<Waiting>,
    /// Where batches cut its records.
    pub(crate) cut: Arc<SourceProgress>,
    pub(crate) recovery: Recovery,
    /// What a record is made of.
    pub(crate) schema: fn() -> Schema,
    /// Its input of before that it is given again.
    pub(crate) again: Replay,
    /// Which files it reads.
    pub(crate) origin: Option<Origin>,
}

/// What a sink knows of the checkpoint that it belongs to.
pub(crate) type SinkMark = Result<Option<CheckpointMark>, ConnectorError>;

/// Input that was logged, until the source takes it.
pub(crate) type Replay = Arc<Mutex<Vec<Input>>>;

/// Where a sink says which batch it has for good.
pub(crate) type Tell = oneshot::Sender<Option<BatchTime>>;

/// A sink port with its connector's future.
pub(crate) struct SinkTask {
    pub(crate) port: &'static str,
    pub(crate) delivery: Delivery,
    /// Whether it needs a thread of its own.
    pub(crate) may_block: bool,
    /// What it knows of the checkpoint that it belongs to, of a job that has one.
    pub(crate) mark: SinkMark,
    /// When it gets something.
    pub(crate) renewed: Renewed,
    /// What it writes to.
    pub(crate) targets: Vec<Target>,
    /// Keeps others from there, as long as the task or this is there.
    pub(crate) claims: Arc<OnceLock<Vec<Claim>>>,
    pub(crate) task: Box<dyn FnOnce(Arc<Control>, Option<Tell>) -> Task + Send>,
}

/// The ends of the ports that one worker takes to its thread, by port, each of its port's type.
#[derive(Default)]
pub(crate) struct Ends {
    intakes: Vec<Box<dyn Any + Send>>,
    parts: Vec<Box<dyn Any + Send>>,
}

type Build = Box<dyn FnOnce(&Flow<'_>) + Send>;

/// Collects the ports of one start of a pipeline.
pub struct Wiring {
    pub(crate) signals: Vec<Arc<Signal>>,
    pub(crate) books: Arc<IntakeCounters>,
    /// Chunks that the queue of one source to one worker holds.
    pub(crate) queue: usize,
    pub(crate) gates: Admissions,
    /// Whether the job keeps checkpoints.
    pub(crate) keeps_checkpoints: bool,
    /// Where input is written down, once it is.
    pub(crate) log: Arc<OnceLock<InputLog>>,
    pub(crate) sources: Vec<SourceTask>,
    pub(crate) sinks: Vec<SinkTask>,
    pub(crate) ends: Vec<Ends>,
    pub(crate) builds: Vec<Build>,
}

/// A source port that was wired.
#[derive(Clone)]
pub struct InPort<T>(usize, &'static str, PhantomData<fn() -> T>);

/// A sink port that was wired.
pub struct OutPort<T> {
    index: usize,
    port: &'static str,
    rebuilds: bool,
    renewed: Renewed,
    records: PhantomData<fn(T)>,
}

impl<T> Clone for OutPort<T> {
    fn clone(&self) -> Self {
        OutPort { renewed: self.renewed.clone(), ..*self }
    }
}

impl Wiring {
    pub(crate) fn new(workers: usize, queue: usize, gates: Admissions, keeps_checkpoints: bool) -> Self {
        Wiring {
            signals: (0..workers).map(|_| Arc::default()).collect(),
            books: Arc::default(),
            queue,
            gates,
            keeps_checkpoints,
            log: Arc::default(),
            sources: Vec::new(),
            sinks: Vec::new(),
            ends: (0..workers).map(|_| Ends::default()).collect(),
            builds: Vec::new(),
        }
    }

    /// Wires a source port.
    pub fn source<T: Record, S: Source<T>>(&mut self, port: &'static str, source: S) -> InPort<T> {
        let (mut lanes, mut queues) = (Vec::new(), Vec::<Waiting>::new());
        for (ends, signal) in self.ends.iter_mut().zip(&self.signals) {
            let (queue, chunks) = mpsc::channel::<Chunk<T>>(self.queue);
            let full = queue.downgrade();
            queues.push(Box::new(move || {
                full.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
            }));
            lanes.push(WorkerQueue { queue, signal: signal.clone(), books: self.books.clone() });
            ends.intakes.push(Box::new(chunks));
        }
        let (pace, requests) = mpsc::channel(1);
        let gate = self.gates.add::<T>(port, S::PACED, S::DRAINS);
        let (cut, again) = (
            Arc::new(SourceProgress::new(S::PACED, S::ACCEPTS && self.gates.clock.is_manual())),
            Replay::default(),
        );
        let index = self.sources.len();
        let journal = (S::RECOVERY == Recovery::JobLog).then(|| journal(port, index, self.log.clone()));
        let way = SourceTrack { cut: cut.clone(), journal };
        let origin = source.origin();
        let (logged, counts) = (again.clone(), cut.clone());
        let task = move |interval, started, stop: watch::Receiver<bool>| -> Task {
            let mut out = SourceContext::new(gate, lanes, way, requests, stop.clone(), interval, started);
            Box::pin(async move {
                let _over = Over(counts.clone());
                let again = std::mem::take(&mut *logged.lock().expect("nothing panics under this lock"));
                send_again(port, again, S::PACED, &mut out).await?;
                source.run(out).await?;
                // One that was asked to stop has more to give, another time.
                if !*stop.borrow() {
                    counts.ended();
                }
                Ok(())
            })
        };
        let (drains, may_block, recovery) = (S::DRAINS, S::MAY_BLOCK, S::RECOVERY);
        let pace = S::PACED.then_some(pace);
        self.sources.push(SourceTask {
            port,
            task: Box::new(task),
            drains,
            may_block,
            pace,
            queues,
            cut,
            recovery,
            schema: schema::of::<T>,
            again,
            origin,
        });
        InPort(index, port, PhantomData)
    }

    /// Wires a sink port. What reaches it is a record already, by the operator that made it.
    pub fn sink<T: Send + 'static, S: Sink<T>>(&mut self, port: &'static str, sink: S) -> OutPort<T> {
        let (parts, incoming) = mpsc::unbounded_channel::<Part<T>>();
        for ends in &mut self.ends {
            ends.parts.push(Box::new(parts.clone()));
        }
        let (workers, index, targets) = (self.ends.len(), self.sinks.len(), sink.targets());
        let mark = if self.keeps_checkpoints { sink.checkpoint_mark() } else { Ok(None) };
        let claims: Arc<OnceLock<Vec<Claim>>> = Arc::default();
        let held = claims.clone();
        let task = move |control, committed| -> Task {
            Box::pin(async move {
                let _held = held;
                deliver(sink, incoming, workers, index, control, committed).await
            })
        };
        let renewed = Renewed::default();
        let out =
            OutPort { index, port, rebuilds: S::REBUILDS, renewed: renewed.clone(), records: PhantomData };
        let (delivery, may_block) = (S::DELIVERY, S::MAY_BLOCK);
        let task = Box::new(task);
        self.sinks.push(SinkTask { port, delivery, may_block, mark, renewed, targets, claims, task });
        out
    }

    /// Gives the function that builds the pipeline's dataflow, once on each worker.
    pub fn build(&mut self, build: impl Fn(&Flow<'_>) + Clone + Send + 'static) {
        self.builds = self.ends.iter().map(|_| Box::new(build.clone()) as Build).collect();
    }
}

/// Says that a source is gone, however it ended.
struct Over(Arc<SourceProgress>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.over();
    }
}

/// Writes the records of a source down, where there is a log.
fn journal<T: Record>(port: &'static str, index: usize, log: Arc<OnceLock<InputLog>>) -> Journal<T> {
    let forms = Mutex::new(Forms::default());
    Arc::new(move |first, records| {
        if let Some(log) = log.get().filter(|_| !records.is_empty()) {
            let mut bytes = Vec::new();
            let mut forms = forms.lock().unwrap_or_else(PoisonError::into_inner);
            state_log::write::<Vec<T>, [T]>(records, &mut bytes, &mut forms, || format!("source `{port}`"));
            log.input(index as u32, first, records.len() as u64, bytes);
        }
    })
}

/// Sends what was written down of a source and is not in the state; what is, the cut leaves out.
async fn send_again<T: Record>(
    port: &'static str,
    again: Vec<Input>,
    paced: bool,
    out: &mut SourceContext<T>,
) -> Result<(), ConnectorError> {
    let read = |input: &Input| state_log::read::<Vec<T>>(&input.bytes, || format!("source `{port}`"));
    let mut inputs = again.into_iter();
    if !paced {
        for input in inputs {
            out.send_logged(input.first, read(&input)).await?;
        }
        return Ok(());
    }
    // A batch that runs again has what it had; the first that does not has the rest.
    let mut records = Vec::new();
    let mut first = None;
    for input in inputs.by_ref() {
        first.get_or_insert(input.first);
        records.append(&mut read(&input));
    }
    let Some(first) = first else { return Ok(()) };
    out.leave_out(first, &mut records);
    while !records.is_empty() && out.batch_due().await.is_some() {
        let wanted = out.lacks().unwrap_or(u64::MAX).min(records.len() as u64) as usize;
        let part: Vec<T> = records.drain(..wanted).collect();
        let first = out.sent();
        out.send_logged(first, part).await?;
    }
    Ok(())
}

/// Puts the workers' parts of each batch together and hands the batches to the sink in order.
async fn deliver<T: Send + 'static, S: Sink<T>>(
    mut sink: S,
    mut incoming: mpsc::UnboundedReceiver<Part<T>>,
    workers: usize,
    index: usize,
    control: Arc<Control>,
    ask: Option<Tell>,
) -> Result<(), ConnectorError> {
    let mut committed = None;
    if let Some(ask) = ask {
        committed = sink.committed().await?;
        // Nobody waits for it any more if the job is on its way down.
        let _ = ask.send(committed);
    }
    let mut is_marked = false;
    let seen = &control.board.sinks[index];
    let mut gathering: BTreeMap<Epoch, Vec<Part<T>>> = BTreeMap::new();
    while let Some(part) = incoming.recv().await {
        let epoch = part.epoch;
        seen.part(part.worker, epoch);
        let parts = gathering.entry(epoch).or_default();
        parts.push(part);
        if parts.len() < workers {
            continue;
        }
        // A worker sends its parts in order, so the first batch to be whole is the oldest.
        let mut parts = gathering.remove(&epoch).expect("it was just looked at");
        parts.sort_by_key(|part| part.worker);
        let Part { time, is_due, is_ending, is_past, .. } = parts[0];
        let records = parts.into_iter().map(|part| part.records).reduce(|mut all, mut more| {
            all.append(&mut more);
            all
        });
        if let Some(log) = control.log().filter(|_| !is_past)
            && !log.released(epoch).await
        {
            return Ok(()); // the log has failed, and the job with it
        }
        // What a sink has for good it does not get again.
        let records = records.unwrap_or_default();
        let count = records.len();
        // At the end a sink gets what there is; that there is nothing only one to which it means something.
        let minds = S::SHOWS_LAST || S::DELIVERY == Delivery::Transactional;
        let is_due = is_due && (!is_ending || minds || !records.is_empty());
        if is_due && committed.is_none_or(|committed| time > committed) {
            if let Some(log) = control.log().filter(|_| !std::mem::replace(&mut is_marked, true)) {
                sink.mark_checkpoint(log.checkpoint()).await?;
            }
            crash_point("before-commit");
            let writing = seen.writes(records.len(), &control.clock);
            let span = tracing::trace_span!("write", batch = %time, records = records.len());
            sink.write(Batch { time, records }).instrument(span).await?;
            writing.done(&control.clock);
            crash_point("after-commit");
        }
        if is_past {
            continue;
        }
        seen.took(epoch);
        control.took_out(epoch, count as u64);
    }
    // Workers leave, and drop their ends, only when all is delivered or the job is aborted.
    match control.is_aborted() {
        true => Ok(()),
        false => sink.close().await,
    }
}

/// One worker's dataflow under construction.
pub struct Flow<'s> {
    scope: Scope<'s, Epoch>,
    job: Rc<JobContext>,
    ends: RefCell<Ends>,
    intakes: RefCell<Vec<Box<dyn Intake>>>,
    /// The sinks, and how many streams were sent to each.
    sinks: RefCell<Vec<(&'static str, Streams)>>,
}

impl<'s> Flow<'s> {
    pub(crate) fn new(scope: Scope<'s, Epoch>, job: Rc<JobContext>, ends: Ends) -> Self {
        Flow { scope, job, ends: RefCell::new(ends), intakes: RefCell::default(), sinks: RefCell::default() }
    }
    /// The ends of the sources, and whether each port is connected as it must be.
    pub(crate) fn finish(self) -> (Vec<Box<dyn Intake>>, Result<(), BuildError>) {
        let wrong = self.sinks.borrow().iter().find_map(|(port, streams)| match streams.get() {
            0 => Some(BuildError::SinkUnwritten { port }),
            1 => None,
            streams => Some(BuildError::SinkTwice { port, streams }),
        });
        let unread = || Some(BuildError::SourceUnread { port: self.job.unread.borrow().first()? });
        let wrong = wrong.or_else(unread);
        (self.intakes.into_inner(), wrong.map_or(Ok(()), Err))
    }
    /// The stream of a source port.
    pub fn source<T: Record>(&self, port: &InPort<T>) -> Stream<'s, T> {
        let end = std::mem::replace(&mut self.ends.borrow_mut().intakes[port.0], Box::new(()));
        let chunks = *end.downcast().expect("a port is built once, with the type it was wired with");
        let (injector, root) = Injector::<T>::new(chunks, self.scope);
        let mut intakes = self.intakes.borrow_mut();
        assert_eq!(intakes.len(), port.0, "source ports are built in the order in which they were wired");
        intakes.push(Box::new(injector));
        self.job.unread.borrow_mut().push(port.1);
        Stream::new(root, OpId(port.1), self.job.clone(), Rhythm::of_batches())
    }
    /// A sink port, for `to`.
    pub fn sink<T: Send + 'static>(&self, port: &OutPort<T>) -> SinkPort<'s, T> {
        let OutPort { index, port, rebuilds, renewed, .. } = port;
        let end = std::mem::replace(&mut self.ends.borrow_mut().parts[*index], Box::new(()));
        let parts: PartSender<T> =
            *end.downcast().expect("a port is built once, with the type it was wired with");
        let streams = Streams::default();
        self.sinks.borrow_mut().push((port, streams.clone()));
        let end = ToSink { parts, rebuilds: *rebuilds, renewed: renewed.clone(), streams };
        SinkPort { end, scope: PhantomData }
    }
}
