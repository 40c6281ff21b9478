//! Between the workers and a sink.
//!
//! | file | what it is |
//! |---|---|
//! | `pending_output` | holds a worker's output back until no operator can still fail its batch |
//! | `part` | what one worker has for one sink from one batch |
//! | `sink_task` | puts the parts of all workers together and calls `Sink::write`, batch by batch |
//!
//! Invariants: a sink gets a batch whole or not at all, and batches in the order of their epochs. With a checkpoint that
//! holds output back, it gets a batch only after the batch is on disk.
//!
//! Nothing here knows the engine: a sink task reports to whatever implements [`DeliveryControl`](sink_task::DeliveryControl).

pub(crate) mod part;
pub(crate) mod pending_output;
pub(crate) mod sink_task;
