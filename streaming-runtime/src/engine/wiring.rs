//! Turns ports with connectors into what workers, source tasks and sink tasks need.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, watch};

use crate::{
    checkpoint::{Input, state_log},
    codec::Forms,
    contract::{
        checkpoint_mark::CheckpointMark,
        delivery::Delivery,
        error::ConnectorError,
        port_context::PortContext,
        properties::{SinkProperties, SourceProperties},
        recovery::Recovery,
        sink::Sink,
        source::Source,
        target::{Claim, Origin, Target},
    },
    delivery::sink_task::{PartSink, SinkDelivery, SinkReportSender, part_sink},
    engine::{
        control::Control,
        flow::Flow,
        job_log::InputLog,
        ports::{InPort, OutPort, WorkerPorts},
    },
    intake::{
        admission::Admissions,
        logged_input::replay_logged,
        progress::SourceProgress,
        queues::{Chunk, IntakeCounters, PaceRequest, WorkerQueue},
        signal::Signal,
        source_context::{SourceContext, SourceContextParts},
        track::{InputWriter, SourceTrack},
    },
    observe::metrics::Waiting,
    operators::sink::EmitRhythm,
    record::Record,
    schema::{self, Schema},
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
    #[doc(hidden)]
    const GRAPH: &'static str;
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

/// What a [`Pipeline`] says of itself, as a value: code that takes it is compiled once, and not once a pipeline.
#[derive(Clone, Copy)]
pub(crate) struct PipelineFacts {
    pub(crate) name: &'static str,
    pub(crate) batch: Duration,
    pub(crate) plan: &'static str,
    pub(crate) graph: &'static str,
    pub(crate) operators: &'static [&'static str],
    pub(crate) marks: &'static [&'static str],
    pub(crate) feeds: &'static [(&'static str, &'static [&'static str])],
}

impl PipelineFacts {
    pub(crate) const fn of<P: Pipeline>() -> Self {
        PipelineFacts {
            name: P::NAME,
            batch: P::BATCH,
            plan: P::PLAN,
            graph: P::GRAPH,
            operators: P::OPERATORS,
            marks: P::MARKS,
            feeds: P::FEEDS,
        }
    }
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

/// What a source is told when it begins.
pub(crate) struct SourceStart {
    pub(crate) context: PortContext,
    /// The batch interval.
    pub(crate) interval: Duration,
    /// When it is.
    pub(crate) started: BatchTime,
    /// Whether the job is asked to stop.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A source port with its connector's future.
pub(crate) struct SourceTask {
    pub(crate) port: &'static str,
    pub(crate) task: Box<dyn FnOnce(SourceStart) -> Task + Send>,
    /// Whether it is asked to end before it is dropped.
    pub(crate) drains: bool,
    /// Whether it needs a thread of its own.
    pub(crate) may_block: bool,
    /// Where a paced source is asked for its batches.
    pub(crate) pace: Option<mpsc::Sender<PaceRequest>>,
    /// How full its queues to the workers are.
    pub(crate) queues: Vec<Waiting>,
    /// Which of its records belong to which batch.
    pub(crate) progress: Arc<SourceProgress>,
    pub(crate) recovery: Recovery,
    /// What a record is made of.
    pub(crate) schema: fn() -> Schema,
    /// Its logged input, which is sent again before the source runs.
    pub(crate) replay: Replay,
    /// Which files it reads.
    pub(crate) origin: Option<Origin>,
}

/// What a sink knows of the checkpoint that it belongs to.
pub(crate) type SinkMark = Result<Option<CheckpointMark>, ConnectorError>;

/// Logged input that a source has not sent again yet.
pub(crate) type Replay = Arc<Mutex<Vec<Input>>>;

/// A sink port with its connector's future.
pub(crate) struct SinkTask {
    pub(crate) port: &'static str,
    pub(crate) delivery: Delivery,
    /// Whether it needs a thread of its own.
    pub(crate) may_block: bool,
    /// What it knows of the checkpoint that it belongs to; of a job that keeps one.
    pub(crate) mark: SinkMark,
    /// In which batches it gets something.
    pub(crate) emit_rhythm: EmitRhythm,
    /// What it writes to.
    pub(crate) targets: Vec<Target>,
    /// Keep other sinks away from these targets, while the task or this lives.
    pub(crate) claims: Arc<OnceLock<Vec<Claim>>>,
    pub(crate) task: Box<dyn FnOnce(Arc<Control>, Option<SinkReportSender>) -> Task + Send>,
}

type Build = Box<dyn FnOnce(&Flow<'_>) + Send>;

/// Collects the ports of one start of a pipeline.
pub struct Wiring {
    pub(crate) signals: Vec<Arc<Signal>>,
    pub(crate) counters: Arc<IntakeCounters>,
    /// Chunks that the queue of one source to one worker holds.
    pub(crate) queue: usize,
    pub(crate) admissions: Admissions,
    /// Whether the job keeps checkpoints.
    pub(crate) keeps_checkpoints: bool,
    /// The log of the job's input, once there is one.
    pub(crate) input_log: Arc<OnceLock<InputLog>>,
    pub(crate) sources: Vec<SourceTask>,
    pub(crate) sinks: Vec<SinkTask>,
    pub(crate) ports: Vec<WorkerPorts>,
    pub(crate) builds: Vec<Build>,
}

impl Wiring {
    pub(crate) fn new(workers: usize, queue: usize, admissions: Admissions, keeps_checkpoints: bool) -> Self {
        Wiring {
            signals: (0..workers).map(|_| Arc::default()).collect(),
            counters: Arc::default(),
            queue,
            admissions,
            keeps_checkpoints,
            input_log: Arc::default(),
            sources: Vec::new(),
            sinks: Vec::new(),
            ports: (0..workers).map(|_| WorkerPorts::default()).collect(),
            builds: Vec::new(),
        }
    }

    /// Wires a source port.
    pub fn source<T: Record, S: Source<T>>(&mut self, port: &'static str, source: S) -> InPort<T> {
        let SourceProperties { paced, drains, may_block, accepts, recovery } = source.properties();
        let (worker_queues, queues) = self.worker_queues::<T>();
        let (pace, requests) = mpsc::channel(1);
        let admission = self.admissions.add::<T>(port, paced, drains);
        let progress = Arc::new(SourceProgress::new(paced, accepts && self.admissions.clock.is_manual()));
        admission.show_partitions(progress.clone());
        let replay = Replay::default();
        let index = self.sources.len();
        let input_writer =
            (recovery == Recovery::Logged).then(|| input_writer(port, index, self.input_log.clone()));
        let track = SourceTrack { progress: progress.clone(), input_writer };
        let origin = source.origin();
        let (logged, counts) = (replay.clone(), progress.clone());
        let task = move |SourceStart { context, interval, started, stop }: SourceStart| -> Task {
            let mut out = SourceContext::new(SourceContextParts {
                context,
                admission,
                queues: worker_queues,
                track,
                pace: requests,
                stop: stop.clone(),
                interval,
                started,
            });
            Box::pin(async move {
                let _end = EndOnDrop(counts.clone());
                let logged = std::mem::take(&mut *logged.lock().expect("nothing panics under this lock"));
                replay_logged(port, logged, paced, &mut out).await?;
                source.run(out).await?;
                // One that was asked to stop has more to give after the next start.
                if !*stop.borrow() {
                    counts.ended();
                }
                Ok(())
            })
        };
        self.sources.push(SourceTask {
            port,
            task: Box::new(task),
            drains,
            may_block,
            pace: paced.then_some(pace),
            queues,
            progress,
            recovery,
            schema: schema::of::<T>,
            replay,
            origin,
        });
        InPort { index, port, records: PhantomData }
    }

    /// The queues from one source to each worker, and what says how full they are.
    fn worker_queues<T: Record>(&mut self) -> (Vec<WorkerQueue<T>>, Vec<Waiting>) {
        let (mut queues, mut fill) = (Vec::new(), Vec::<Waiting>::new());
        for (ports, signal) in self.ports.iter_mut().zip(&self.signals) {
            let (queue, chunks) = mpsc::channel::<Chunk<T>>(self.queue);
            let full = queue.downgrade();
            fill.push(Box::new(move || {
                full.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
            }));
            queues.push(WorkerQueue { queue, signal: signal.clone(), counters: self.counters.clone() });
            ports.inputs.push(Box::new(chunks));
        }
        (queues, fill)
    }

    /// Wires a sink port. What reaches it is a record already, by the operator that made it.
    pub fn sink<T: Send + 'static, S: Sink<T>>(&mut self, port: &'static str, sink: S) -> OutPort<T> {
        let SinkProperties { rebuilds, .. } = sink.properties();
        let mark = if self.keeps_checkpoints { sink.checkpoint_mark() } else { Ok(None) };
        let (index, emit_rhythm) = self.part_sink(port, sink.targets(), mark, part_sink(sink));
        OutPort { index, port, rebuilds, emit_rhythm, records: PhantomData }
    }

    /// Wires a sink, whatever its records are; returns its index, and when it emits.
    fn part_sink(
        &mut self,
        port: &'static str,
        targets: Vec<Target>,
        mark: SinkMark,
        sink: Box<dyn PartSink>,
    ) -> (usize, EmitRhythm) {
        let SinkProperties { delivery, may_block, .. } = sink.properties();
        let (parts, incoming) = mpsc::unbounded_channel();
        for ports in &mut self.ports {
            ports.parts.push(parts.clone());
        }
        let (workers, index) = (self.ports.len(), self.sinks.len());
        let claims: Arc<OnceLock<Vec<Claim>>> = Arc::default();
        let held = claims.clone();
        let known = mark.as_ref().ok().copied().flatten();
        let task = move |control: Arc<Control>, report_to| -> Task {
            Box::pin(async move {
                let _held = held;
                SinkDelivery { sink, incoming, workers, index, mark: known }.run(control, report_to).await
            })
        };
        let emit_rhythm = EmitRhythm::default();
        self.sinks.push(SinkTask {
            port,
            delivery,
            may_block,
            mark,
            emit_rhythm: emit_rhythm.clone(),
            targets,
            claims,
            task: Box::new(task),
        });
        (index, emit_rhythm)
    }

    /// Gives the function that builds the pipeline's dataflow, once on each worker.
    pub fn build(&mut self, build: impl Fn(&Flow<'_>) + Clone + Send + 'static) {
        self.builds = self.ports.iter().map(|_| Box::new(build.clone()) as Build).collect();
    }
}

/// Marks a source as gone when its task is dropped, however it ended.
struct EndOnDrop(Arc<SourceProgress>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.over();
    }
}

/// Writes the records of a source to the job's log, once there is one.
fn input_writer<T: Record>(port: &'static str, index: usize, log: Arc<OnceLock<InputLog>>) -> InputWriter<T> {
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
