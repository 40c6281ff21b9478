//! From ports with connectors to what workers, source tasks and sink tasks need.

use std::{
    any::Any, cell::RefCell, collections::BTreeMap, future::Future, marker::PhantomData, pin::Pin, rc::Rc,
    sync::Arc, time::Duration,
};

use timely::dataflow::Scope;
use tokio::sync::{mpsc, watch};
use tracing::Instrument;

use super::{
    control::Control,
    metrics::Waiting,
    worker::{Injector, Intake},
};
use crate::{
    connect::{Batch, Books, Chunk, ConnectorError, Gates, Lane, Outlet, PaceRequest, Signal, Sink, Source},
    op::{Part, PartSender, SinkPort},
    record::Record,
    stream::{Epoch, JobContext, OpId, Stream},
    time::BatchTime,
};

/// A pipeline with its connectors and values: what `stream!` makes of a header, ready to start.
pub trait Pipeline: Sized {
    /// The pipeline's name.
    const NAME: &'static str;
    /// The batch interval.
    const BATCH: Duration;
    /// The plan in Mermaid.
    const PLAN: &'static str;
    /// The ids of its operators.
    const OPERATORS: &'static [&'static str];
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
    /// Where a paced source is asked for its batches.
    pub(crate) pace: Option<mpsc::Sender<PaceRequest>>,
    /// How full its queues to the workers are.
    pub(crate) queues: Vec<Waiting>,
}

/// A sink port with its connector's future.
pub(crate) struct SinkTask {
    pub(crate) port: &'static str,
    pub(crate) task: Box<dyn FnOnce(Arc<Control>) -> Task + Send>,
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
    pub(crate) books: Arc<Books>,
    /// Chunks that the queue of one source to one worker holds.
    pub(crate) queue: usize,
    pub(crate) gates: Gates,
    pub(crate) sources: Vec<SourceTask>,
    pub(crate) sinks: Vec<SinkTask>,
    pub(crate) ends: Vec<Ends>,
    pub(crate) builds: Vec<Build>,
}

/// A source port that was wired.
#[derive(Clone)]
pub struct InPort<T>(usize, &'static str, PhantomData<fn() -> T>);

/// A sink port that was wired.
pub struct OutPort<T>(usize, PhantomData<fn(T)>);

impl<T> Clone for OutPort<T> {
    fn clone(&self) -> Self {
        OutPort(self.0, PhantomData)
    }
}

impl Wiring {
    pub(crate) fn new(workers: usize, queue: usize, gates: Gates) -> Self {
        Wiring {
            signals: (0..workers).map(|_| Arc::default()).collect(),
            books: Arc::default(),
            queue,
            gates,
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
            lanes.push(Lane { queue, signal: signal.clone(), books: self.books.clone() });
            ends.intakes.push(Box::new(chunks));
        }
        let (pace, requests) = mpsc::channel(1);
        let gate = self.gates.add::<T>(port, S::PACED, S::DRAINS);
        let task = move |interval, started, stop| -> Task {
            Box::pin(source.run(Outlet::new(gate, lanes, requests, stop, interval, started)))
        };
        let pace = S::PACED.then_some(pace);
        self.sources.push(SourceTask { port, task: Box::new(task), drains: S::DRAINS, pace, queues });
        InPort(self.sources.len() - 1, port, PhantomData)
    }

    /// Wires a sink port. What reaches it is a record already, by the operator that made it.
    pub fn sink<T: Send + 'static, S: Sink<T>>(&mut self, port: &'static str, sink: S) -> OutPort<T> {
        let (parts, incoming) = mpsc::unbounded_channel::<Part<T>>();
        for ends in &mut self.ends {
            ends.parts.push(Box::new(parts.clone()));
        }
        let (workers, index) = (self.ends.len(), self.sinks.len());
        let task = move |control| -> Task { Box::pin(deliver(sink, incoming, workers, index, control)) };
        self.sinks.push(SinkTask { port, task: Box::new(task) });
        OutPort(self.sinks.len() - 1, PhantomData)
    }

    /// Gives the function that builds the pipeline's dataflow, once on each worker.
    pub fn build(&mut self, build: impl Fn(&Flow<'_>) + Clone + Send + 'static) {
        self.builds = self.ends.iter().map(|_| Box::new(build.clone()) as Build).collect();
    }
}

/// Puts the workers' parts of each batch together and hands the batches to the sink in order.
async fn deliver<T: Send + 'static>(
    mut sink: impl Sink<T>,
    mut incoming: mpsc::UnboundedReceiver<Part<T>>,
    workers: usize,
    index: usize,
    control: Arc<Control>,
) -> Result<(), ConnectorError> {
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
        let (time, is_due) = (parts[0].time, parts[0].is_due);
        let records = parts.into_iter().map(|part| part.records).reduce(|mut all, mut more| {
            all.append(&mut more);
            all
        });
        if is_due {
            let records = records.unwrap_or_default();
            let writing = seen.writes(records.len(), &control.clock);
            let span = tracing::trace_span!("write", batch = %time, records = records.len());
            sink.write(Batch { time, records }).instrument(span).await?;
            writing.done(&control.clock);
        }
        seen.took(epoch);
        control.took_out(epoch);
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
}

impl<'s> Flow<'s> {
    pub(crate) fn new(scope: Scope<'s, Epoch>, job: Rc<JobContext>, ends: Ends) -> Self {
        Flow { scope, job, ends: RefCell::new(ends), intakes: RefCell::default() }
    }
    pub(crate) fn into_intakes(self) -> Vec<Box<dyn Intake>> {
        self.intakes.into_inner()
    }
    /// The stream of a source port.
    pub fn source<T: Record>(&self, port: &InPort<T>) -> Stream<'s, T> {
        let end = std::mem::replace(&mut self.ends.borrow_mut().intakes[port.0], Box::new(()));
        let chunks = *end.downcast().expect("a port is built once, with the type it was wired with");
        let (injector, root) = Injector::<T>::new(chunks, self.scope);
        let mut intakes = self.intakes.borrow_mut();
        assert_eq!(intakes.len(), port.0, "source ports are built in the order in which they were wired");
        intakes.push(Box::new(injector));
        Stream::new(root, OpId(port.1), self.job.clone(), None)
    }
    /// A sink port, for `to`.
    pub fn sink<T: Send + 'static>(&self, port: &OutPort<T>) -> SinkPort<'s, T> {
        let end = std::mem::replace(&mut self.ends.borrow_mut().parts[port.0], Box::new(()));
        let parts: PartSender<T> =
            *end.downcast().expect("a port is built once, with the type it was wired with");
        SinkPort { parts, scope: PhantomData }
    }
}
