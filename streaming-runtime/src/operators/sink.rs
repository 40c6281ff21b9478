//! The end of a stream: batches leave the dataflow for their sink.

use std::{
    cell::Cell,
    marker::PhantomData,
    rc::Rc,
    sync::{Arc, OnceLock},
};

use timely::dataflow::{channels::pact::Pipeline, operators::generic::operator::Operator};

use crate::{
    delivery::part::{Part, PartRecords, PartSender},
    epoch_queue::EpochQueue,
    ids::{Epoch, OpId},
    observe::operator_stats::{Held, Holds, OperatorStats},
    operators::{kernel::per_epoch::epoch_of, window::Materialize},
    panic_origin::named,
    record::Record,
    stream::{Stream, chain::Chain, context::JobContext, kind::StreamKind},
    timeline::rhythm::Rhythm,
};

/// When what a sink gets is renewed: known when a worker has built its dataflow.
pub(crate) type EmitRhythm = Arc<OnceLock<Rhythm>>;

/// How many streams were sent to a sink, while the pipeline is put together.
pub(crate) type Streams = Rc<Cell<usize>>;

/// A sink of the header of `stream!`, inside the pipeline.
pub struct SinkPort<'s, T> {
    pub(crate) end: ToSink<T>,
    pub(crate) scope: PhantomData<&'s ()>,
}

/// A sink port of records `R` that takes records of type `T`. They are one type; both stand here to be named.
#[diagnostic::on_unimplemented(
    message = "a stream of `{T}` cannot go to a sink of `{R}`",
    label = "this sink takes `{R}`, and the stream carries `{T}`",
    note = "declare it as `Sink<{T}>` in the header of `stream!`, or make a `{R}` of each record with `.map(..)` before `.to(..)`",
    note = "what may be missing, an `Option`, is left out by `.filter_map(..)`; what may fail, a `Result`, goes its own way by `.try_map(..)`; what a closure only looks at, and returns `()`, stays as it is in `.inspect(..)`"
)]
#[doc(hidden)]
pub trait Accepts<T, R> {
    fn end(&self) -> ToSink<T>;
}

/// A sink port, whatever it takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no sink of this pipeline",
    label = "a stream is sent to a sink of the header, by its name",
    note = "declare `name: Sink<T>` in the `<>` of the header and write `.to(name)`"
)]
#[doc(hidden)]
pub trait Port {
    type Record;
}

impl<T> Port for SinkPort<'_, T> {
    type Record = T;
}

/// What a stream needs to know of its sink.
#[doc(hidden)]
pub struct ToSink<T> {
    pub(crate) parts: PartSender,
    /// Whether it asks for what there is from before.
    pub(crate) rebuilds: bool,
    pub(crate) emit_rhythm: EmitRhythm,
    pub(crate) streams: Streams,
    pub(crate) records: PhantomData<fn(T)>,
}

#[diagnostic::do_not_recommend]
impl<T> Accepts<T, T> for SinkPort<'_, T> {
    fn end(&self) -> ToSink<T> {
        let ToSink { parts, rebuilds, emit_rhythm, streams, records } = &self.end;
        ToSink {
            parts: parts.clone(),
            rebuilds: *rebuilds,
            emit_rhythm: emit_rhythm.clone(),
            streams: streams.clone(),
            records: *records,
        }
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Sends every batch to a sink port of the pipeline. Of a window or a table it sends the whole contents, whenever they are
    /// renewed. State: the batch, until it closes. Cost: what is sent; [`changes`](Stream::changes) sends less.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn copy<lines: Source<String>, out: Sink<String>>() {
    ///         lines.to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn to<S>(self, sink: &S)
    where
        T: Record,
        S: Port + Accepts<T, <S as Port>::Record>,
        P: Materialize,
    {
        let Stream { held: root, mut chain, id, job, rhythm, .. } = P::contents(self);
        let ToSink { parts, rebuilds, emit_rhythm, streams, .. } = sink.end();
        streams.update(|streams| streams + 1);
        let parts = PartsOutput::new(id, job, rhythm, (parts, rebuilds), &emit_rhythm);
        let mut open = EpochQueue::<Vec<T>>::default();
        root.sink(Pipeline, id.0, move |(input, frontier)| {
            let _runs = parts.stats.runs();
            named(id, || {
                input.for_each(|time, records| {
                    chain.gather(records, open.at(epoch_of(&time)));
                });
                parts.send(frontier.frontier().first().copied(), &mut |epoch| {
                    let records = open.take_open(epoch).unwrap_or_default();
                    (records.len(), records.held(), Box::new(records))
                });
            });
        });
    }
}

/// Where a worker's part of each batch goes to. It knows no type of records, so it is compiled once.
struct PartsOutput {
    job: Rc<JobContext>,
    rhythm: Rhythm,
    parts: PartSender,
    rebuilds: bool,
    stats: OperatorStats,
    /// The next batch.
    next: Cell<Epoch>,
}

impl PartsOutput {
    fn new(
        id: OpId,
        job: Rc<JobContext>,
        rhythm: Rhythm,
        (parts, rebuilds): (PartSender, bool),
        emit_rhythm: &EmitRhythm,
    ) -> Self {
        // Every worker sets the same rhythm.
        let _ = emit_rhythm.set(rhythm.clone());
        job.sinks.update(|sinks| sinks + 1);
        let stats = OperatorStats::of_batches(id);
        PartsOutput { job, rhythm, parts, rebuilds, stats, next: Cell::new(0) }
    }

    /// Sends what `take` has of the batches before `upper`: how many records, what they hold, and the records.
    fn send(&self, upper: Option<Epoch>, take: &mut dyn FnMut(Epoch) -> (usize, Held, PartRecords)) {
        let upper = upper.unwrap_or(self.next.get());
        for epoch in self.next.get()..upper {
            let (count, held, records) = take(epoch);
            self.stats.holds(held);
            let context = self.job.batch(epoch);
            let part = Part {
                worker: self.job.local_worker,
                epoch,
                time: context.time,
                is_due: context.is_due(&self.rhythm),
                is_ending: context.is_ending(),
                is_past: context.is_restored,
                count,
                records,
            };
            // What is of before was delivered then; a sink that keeps it in memory gets it again.
            if !part.is_past || self.rebuilds {
                let parts = self.parts.clone();
                self.job.pending_output.put(epoch, move || {
                    // A sink that is gone has reported its error; the job is on its way down.
                    let _ = parts.send(part);
                });
            }
            self.job.awaited.update(|parts| parts - 1);
        }
        self.next.set(upper);
        self.stats.reached(upper);
    }
}
