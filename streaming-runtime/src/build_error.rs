//! What is wrong with the body of a pipeline: found while a worker puts its dataflow together, before anything runs.
//!
//! The body is Rust, so it may leave early, hide a statement behind a `cfg`, or hand a port to a function that drops it.
//! The macro refuses what it can see of that; the rest is seen here, once a start, and is an error of the start.

use std::{any::Any, panic::resume_unwind, time::Duration};

use crate::{ids::OpId, panic_origin, sentence::debug_as_sentence};

/// Why the body of a pipeline makes no dataflow. It is reported before anything runs.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A sink that gets nothing: no batch would ever be delivered.
    #[error(
        "nothing is sent to sink `{port}`: whichever way the body goes, it must end a stream with `.to({port})`; or drop the port"
    )]
    SinkUnwritten {
        /// The port's name.
        port: &'static str,
    },
    /// A sink that gets several streams: which of them would be the batch?
    #[error("{streams} streams are sent to sink `{port}`: `.union(..)` them, then `.to({port})` once")]
    SinkTwice {
        /// The port's name.
        port: &'static str,
        /// How many.
        streams: usize,
    },
    /// A source that nothing reads: its records would be lost.
    #[error(
        "nothing reads source `{port}`, so its records would be lost: whichever way the body goes, it must start a stream \
         with `{port}.`; or drop the port"
    )]
    SourceUnread {
        /// The port's name.
        port: &'static str,
    },
    /// An operator cannot be made as it was called.
    #[error("operator `{operator}`: {what}")]
    Operator {
        /// The operator's id, as in the pipeline's `OPERATORS`.
        operator: String,
        /// Why, and what to do instead.
        what: String,
    },
    /// The body panicked, or an operator did while it was made.
    #[error("operator `{operator}` panicked: {message}")]
    Panicked {
        /// The operator's id; for the code between operators, words that say so.
        operator: String,
        /// The panic's message.
        message: String,
    },
    /// The body did not come to its end.
    #[error("the body of the pipeline did not come to its end within {limit:?}; its threads are left behind")]
    Stuck {
        /// How long it was waited for.
        limit: Duration,
    },
}

debug_as_sentence!(BuildError);

impl BuildError {
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            BuildError::SinkUnwritten { .. } => "build.sink_unwritten",
            BuildError::SinkTwice { .. } => "build.sink_twice",
            BuildError::SourceUnread { .. } => "build.source_unread",
            BuildError::Operator { .. } => "build.operator",
            BuildError::Panicked { .. } => "build.panicked",
            BuildError::Stuck { .. } => "build.stuck",
        }
    }

    /// What an unwinding means that came out of the body.
    pub(crate) fn unwound(payload: Box<dyn Any + Send>) -> Self {
        // Taken in each case: the thread may build other jobs after this one.
        let blamed = panic_origin::take();
        match payload.downcast::<BuildError>() {
            Ok(refused) => *refused,
            Err(panic) => BuildError::Panicked {
                operator: blamed.map_or(panic_origin::BODY, |id| id.0).to_owned(),
                message: panic_origin::message(&*panic),
            },
        }
    }
}

/// Ends the building of a pipeline for an operator that cannot be made as it was called. Not a panic: nothing is said to
/// standard error.
pub(crate) fn refuse(operator: OpId, what: impl Into<String>) -> ! {
    resume_unwind(Box::new(BuildError::Operator { operator: operator.0.to_owned(), what: what.into() }))
}
