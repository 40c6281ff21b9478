//! Between the workers and a sink.

pub(crate) mod pending_output;
