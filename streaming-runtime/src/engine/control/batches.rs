//! The batches of a job, from the open one to those in flight.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{ids::Epoch, intake::pending_acks::PendingAcks, observe::listener::BatchInfo, time::BatchTime};

/// The batches of a job: the open one, and those that are closed and not yet delivered.
pub(super) struct Batches {
    /// The number of the open batch.
    pub(super) next: Epoch,
    /// The time of the last closed batch; before the first, when the job began.
    pub(super) last: BatchTime,
    /// The next boundary.
    pub(super) boundary: BatchTime,
    pub(super) in_flight: VecDeque<InFlight>,
    /// The last batch to replay.
    pub(super) replay_until: BatchTime,
    /// Whether a batch was closed in this run.
    pub(super) has_closed: bool,
    /// Whether `last` is the time of a batch, of this run or the one before.
    pub(super) has_begun: bool,
    /// The time of the last batch that had records. Of batches before this start, the last is taken to have had some.
    pub(super) last_with_records: BatchTime,
    /// If the last batch belongs to the end of the job: the last batch before the end.
    pub(super) ends_from: Option<BatchTime>,
    /// The open batch that this process has told the leader to be ripe for closing.
    pub(super) ripe: Option<Epoch>,
    /// The boundary for which paced sources were asked last.
    pub(super) paced_until: BatchTime,
    /// Records that the last batch to be delivered had for the sinks.
    pub(super) written: u64,
}

/// A batch that is closed and not yet delivered.
pub(super) struct InFlight {
    pub(super) epoch: Epoch,
    /// Sinks that have yet to take it.
    pub(super) sinks: usize,
    /// Workers that have yet to take in their records of it.
    pub(super) workers: usize,
    /// Other processes whose sinks have yet to take it.
    pub(super) peers: usize,
    pub(super) closed: Instant,
    pub(super) info: BatchInfo,
    /// What is acknowledged when it is delivered.
    pub(super) acks: PendingAcks,
    /// Records that sinks have taken.
    pub(super) written: u64,
}

impl Batches {
    /// No batch yet, in a job that begins `now`.
    pub(super) fn new(now: BatchTime, interval: Duration) -> Self {
        Batches {
            next: 0,
            last: now,
            boundary: now.next_multiple_of(interval),
            in_flight: VecDeque::new(),
            replay_until: BatchTime::default(),
            has_closed: false,
            has_begun: false,
            last_with_records: now,
            ends_from: None,
            ripe: None,
            paced_until: BatchTime::default(),
            written: 0,
        }
    }
}
