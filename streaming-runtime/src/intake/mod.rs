//! Between a source and the workers.
//!
//! | file | what it is |
//! |---|---|
//! | `source_context` | what a source sends its records into: the one way into a job |
//! | `partition` | the same, for one partition of a source |
//! | `sender` | what both send with: limits, queues, and what is left out after a crash |
//! | `admission` | the limits that it waits for: rate and memory |
//! | `queues` | the bounded queue from each source to each worker |
//! | `signal` | how a worker is woken |
//! | `progress` | which records belong to which batch, and which batches are replayed |
//! | `partitions` | where each partition of a source is |
//! | `track` | where records are counted and logged |
//! | `logged_input` | logged records, sent again after a crash |
//! | `pending_acks` | receipts and memory that wait for the delivery of a batch |
//! | `hand_on` | the request to hand on what the program has given, under a test's clock |
//!
//! Invariants: every queue is bounded, in chunks of at most 1,024 records. A record counts for exactly one batch, the one
//! that is open when it enters its queue. A record that a source was allowed to send is delivered, unless the job crashes
//! or is aborted.
//!
//! Of the contract of connectors, this room uses errors, receipts and kinds of recovery. The trait `Source` names
//! `SourceContext`, not the other way round.

pub(crate) mod admission;
pub(crate) mod hand_on;
pub(crate) mod logged_input;
pub(crate) mod partition;
pub(crate) mod partitions;
pub(crate) mod pending_acks;
pub(crate) mod progress;
pub(crate) mod queues;
pub(crate) mod sender;
pub(crate) mod signal;
pub(crate) mod source_context;
pub(crate) mod track;
