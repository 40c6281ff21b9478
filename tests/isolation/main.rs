//! What fails, fails alone: a record, a connector, a job; the service around it does not notice.

mod host;
mod policies;
mod records;
mod sinks;
mod sources;
mod stuck;
