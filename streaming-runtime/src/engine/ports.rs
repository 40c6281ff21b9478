//! Ports once they are wired, as the code that `stream!` generates and the workers see them.

use std::{any::Any, marker::PhantomData};

use crate::{delivery::part::PartSender, operators::sink::EmitRhythm};

/// What one worker takes of the ports to its thread: for each source the receiver of its queue, with the type of its port, for
/// each sink the sender of its parts.
#[derive(Default)]
pub(crate) struct WorkerPorts {
    pub(crate) inputs: Vec<Box<dyn Any + Send>>,
    pub(crate) parts: Vec<PartSender>,
}

/// A source port that was wired.
#[derive(Clone)]
pub struct InPort<T> {
    pub(crate) index: usize,
    pub(crate) port: &'static str,
    pub(crate) records: PhantomData<fn() -> T>,
}

/// A sink port that was wired.
pub struct OutPort<T> {
    pub(crate) index: usize,
    pub(crate) port: &'static str,
    /// Whether the sink asks for the contents from before this start of the job.
    pub(crate) rebuilds: bool,
    pub(crate) emit_rhythm: EmitRhythm,
    pub(crate) records: PhantomData<fn(T)>,
}

impl<T> Clone for OutPort<T> {
    fn clone(&self) -> Self {
        OutPort { emit_rhythm: self.emit_rhythm.clone(), ..*self }
    }
}
