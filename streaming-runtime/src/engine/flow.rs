//! The dataflow of one worker while the pipeline's body builds it.

use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use timely::dataflow::Scope;

use crate::{
    build_error::BuildError,
    delivery::part::PartSender,
    engine::{
        input::{SourceInput, WorkerInput},
        ports::{InPort, OutPort, WorkerPorts},
    },
    ids::{Epoch, OpId},
    operators::sink::{SinkPort, Streams, ToSink},
    record::Record,
    stream::{Stream, context::JobContext},
    timeline::rhythm::Rhythm,
};

/// One worker's dataflow under construction.
pub struct Flow<'s> {
    scope: Scope<'s, Epoch>,
    job: Rc<JobContext>,
    ports: RefCell<WorkerPorts>,
    inputs: RefCell<Vec<Box<dyn WorkerInput>>>,
    /// The sinks, and how many streams were sent to each.
    sinks: RefCell<Vec<(&'static str, Streams)>>,
}

impl<'s> Flow<'s> {
    pub(crate) fn new(scope: Scope<'s, Epoch>, job: Rc<JobContext>, ports: WorkerPorts) -> Self {
        Flow { scope, job, ports: RefCell::new(ports), inputs: RefCell::default(), sinks: RefCell::default() }
    }

    /// The inputs of the sources, and whether each port is connected as it must be.
    pub(crate) fn finish(self) -> (Vec<Box<dyn WorkerInput>>, Result<(), BuildError>) {
        let wrong = self.sinks.borrow().iter().find_map(|(port, streams)| match streams.get() {
            0 => Some(BuildError::SinkUnwritten { port }),
            1 => None,
            streams => Some(BuildError::SinkTwice { port, streams }),
        });
        let unread = || Some(BuildError::SourceUnread { port: self.job.unread.borrow().first()? });
        let wrong = wrong.or_else(unread);
        (self.inputs.into_inner(), wrong.map_or(Ok(()), Err))
    }

    /// The stream of a source port.
    pub fn source<T: Record>(&self, port: &InPort<T>) -> Stream<'s, T> {
        let end = std::mem::replace(&mut self.ports.borrow_mut().inputs[port.index], Box::new(()));
        let chunks = *end.downcast().expect("a port is built once, with the type it was wired with");
        let (input, root) = SourceInput::<T>::new(chunks, self.scope);
        let mut inputs = self.inputs.borrow_mut();
        assert_eq!(inputs.len(), port.index, "source ports are built in the order in which they were wired");
        inputs.push(Box::new(input));
        self.job.unread.borrow_mut().push(port.port);
        Stream::new(root, OpId(port.port), self.job.clone(), Rhythm::of_batches())
    }

    /// A sink port, for `to`.
    pub fn sink<T: Send + 'static>(&self, port: &OutPort<T>) -> SinkPort<'s, T> {
        let OutPort { index, port, rebuilds, emit_rhythm, .. } = port;
        let (parts, streams) = self.sink_parts(*index, port);
        let emit_rhythm = emit_rhythm.clone();
        let end = ToSink { parts, rebuilds: *rebuilds, emit_rhythm, streams, records: PhantomData };
        SinkPort { end, scope: PhantomData }
    }

    /// Where the parts of a sink go to, and the count of the streams that are sent there.
    fn sink_parts(&self, index: usize, port: &'static str) -> (PartSender, Streams) {
        let streams = Streams::default();
        self.sinks.borrow_mut().push((port, streams.clone()));
        (self.ports.borrow().parts[index].clone(), streams)
    }
}
