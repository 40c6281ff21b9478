//! Stream pipelines as values in a Rust service.

mod blame;
pub mod connect;
mod engine;
mod op;
mod record;
mod stream;
mod time;

pub use connect::{Sink, Source};
pub use engine::{BatchInfo, Engine, Job, JobError, Listener, ManualClock, Pipeline, StartError, Value};
pub use op::{Emit, SinkPort};
pub use record::{Key, Keyed, Record};
pub use stream::{OpId, PerBatch, Stream};
pub use time::{BatchTime, hours, millis, minutes, secs};

/// Declares a pipeline.
#[macro_export]
macro_rules! stream {
    ($($tokens:tt)*) => { $crate::__private::stream! { ($crate) $($tokens)* } };
}

/// What programs with pipelines use.
pub mod prelude {
    pub use crate::{Engine, Sink, Source, Stream, hours, millis, minutes, secs, stream};
}

#[doc(hidden)]
pub mod __private {
    pub use crate::engine::{Flow, InPort, OutPort, Wiring};
    pub use streaming_macros::stream;
}
