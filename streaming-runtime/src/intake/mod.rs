//! Between a source and the workers.

pub(crate) mod admission;
pub(crate) mod handover;
pub(crate) mod progress;
pub(crate) mod source_context;
