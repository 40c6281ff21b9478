//! How a batch becomes delivered: every worker has closed its inputs, every sink of every process has taken it, and so have
//! all batches before it.

use std::{
    sync::{MutexGuard, atomic::Ordering},
    time::Instant,
};

use tokio::sync::watch;

use crate::{
    clock::Clock,
    contract::{checkpoint_mark::CheckpointId, port_context::PortContext},
    delivery::sink_task::DeliveryControl,
    engine::{
        control::{
            Control,
            batches::{Batches, InFlight},
        },
        job_log::JobLog,
    },
    ids::Epoch,
    intake::pending_acks::PendingAcks,
    observe::{
        listener::BatchInfo,
        metrics::{SinkBoard, SourceState},
    },
    time::BatchTime,
};

/// So many empty batches at the beginning of a job are logged.
const QUIET_BATCHES: usize = 3;

impl DeliveryControl for Control {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn sink_board(&self, sink: usize) -> &SinkBoard {
        &self.board.sinks[sink]
    }

    fn port_context(&self, sink: usize) -> PortContext {
        Control::port_context(self, self.board.sinks[sink].port)
    }

    fn checkpoint(&self) -> Option<CheckpointId> {
        self.log.get().map(JobLog::checkpoint)
    }

    async fn released(&self, epoch: Epoch) -> bool {
        match self.log.get() {
            Some(log) => log.released(epoch).await,
            None => true,
        }
    }

    fn sink_acked(&self, epoch: Epoch, records: u64) {
        let mut state = self.state();
        let batch = state.in_flight.iter_mut().find(|batch| batch.epoch == epoch);
        let batch = batch.expect("a sink takes each batch once");
        batch.sinks -= 1;
        batch.written += records;
        if batch.sinks == 0 {
            self.peers.iter().for_each(|peers| peers.taken(epoch));
        }
        self.deliver(state);
    }

    fn is_aborted(&self) -> bool {
        Control::is_aborted(self)
    }
}

impl Control {
    /// Does a piece of a worker's work, and counts its time where that is to be known.
    pub(crate) fn time_work(&self, local_worker: usize, work: impl FnOnce()) {
        let Some(backpressure) = &self.backpressure else { return work() };
        let began = Instant::now();
        work();
        let state = self.state();
        let closed = state.in_flight.front().map(|batch| batch.closed);
        let mut backpressure = backpressure.lock().expect("nothing panics under this lock");
        backpressure.was_busy(local_worker, began, Instant::now(), closed);
    }

    /// A worker has closed its inputs for a batch that took in `records`, by source, for which `acks` are due.
    pub(crate) fn input_closed(&self, epoch: Epoch, records: &[u64], acks: &mut PendingAcks) {
        let mut state = self.state();
        // No sink has taken it yet: this worker has not stepped since.
        let batch = state.in_flight.iter_mut().find(|batch| batch.epoch == epoch);
        let batch = batch.expect("a batch is in flight until each worker has sent its part");
        for ((_, total), n) in batch.info.records.iter_mut().zip(records) {
            *total += n;
        }
        batch.acks.append(acks);
        batch.workers -= 1;
        let is_heard = || !self.listeners.is_empty() || tracing::enabled!(tracing::Level::DEBUG);
        let started = (batch.workers == 0 && is_heard()).then(|| batch.info.clone());
        drop(state);
        if let Some(batch) = started {
            tracing::debug!(job = %batch.job, time = %batch.time, records = ?batch.records, "batch started");
            self.listeners.tell(|listener| listener.batch_started(&batch));
        }
    }

    /// All sinks of a follower have taken a batch; to a follower, all sinks everywhere.
    pub(crate) fn peer_acked(&self, epoch: Epoch) {
        let mut state = self.state();
        if let Some(batch) = state.in_flight.iter_mut().find(|batch| batch.epoch == epoch) {
            batch.peers = batch.peers.saturating_sub(1);
        }
        self.deliver(state);
    }

    /// What everybody has taken is delivered.
    fn deliver(&self, mut state: MutexGuard<'_, Batches>) {
        let mut done = Vec::new();
        let taken = |batch: &mut InFlight| batch.sinks == 0 && batch.peers == 0;
        while let Some(mut batch) = state.in_flight.pop_front_if(taken) {
            let now = Instant::now();
            batch.info.processing_delay = now - batch.closed;
            state.written = batch.written;
            if let Some(backpressure) = &self.backpressure {
                let mut backpressure = backpressure.lock().expect("nothing panics under this lock");
                backpressure.batch_completed(&batch.info, batch.closed, now);
            }
            self.peers.iter().for_each(|peers| peers.delivered(batch.epoch));
            if let Some(log) = self.log.get() {
                log.delivered(batch.epoch);
            }
            done.push((batch.info, batch.acks.into_receipts()));
        }
        if done.is_empty() {
            return;
        }
        state.ripe = None;
        let held_up = self.holding.swap(false, Ordering::AcqRel);
        drop(state);
        for (batch, receipts) in done {
            self.board.batch_delivered(batch.time, batch.scheduling_delay, batch.processing_delay);
            tracing::debug!(job = %batch.job, time = %batch.time, records = ?batch.records, took = ?batch.processing_delay, "batch delivered");
            self.log_silence(&batch);
            self.listeners.tell(|listener| listener.batch_completed(&batch));
            self.delivered.send_replace(Some(batch.time));
            receipts.into_iter().for_each(|receipts| receipts.deliver(batch.time));
        }
        self.batch_delivered.notify_waiters();
        // A worker that was not held up has nothing new to do, and waking it costs it and us some 10 us. In a cluster it
        // may have to tell the leader once more that it could close early.
        if held_up || self.peers.is_some() {
            self.workers.iter().for_each(|worker| worker.signal.raise());
        }
    }

    /// Says once if nothing comes from the sources, which looks like a program that hangs.
    fn log_silence(&self, batch: &BatchInfo) {
        if self.empty_batches.load(Ordering::Relaxed) >= QUIET_BATCHES {
            return;
        }
        if batch.records.iter().any(|(_, records)| *records > 0) {
            self.empty_batches.store(QUIET_BATCHES, Ordering::Relaxed);
        } else if self.empty_batches.fetch_add(1, Ordering::Relaxed) + 1 == QUIET_BATCHES {
            let open = self.board.sources.iter().filter(|source| source.state() == SourceState::Running);
            let sources: Vec<_> = open.map(|source| source.port).collect();
            if !sources.is_empty() {
                tracing::info!(job = %batch.job, ?sources, "waits for sources: none has sent anything yet");
            }
        }
    }

    /// Waits until a batch of `time` or later, and all before it, were delivered.
    pub(crate) fn watch_delivered(&self) -> watch::Receiver<Option<BatchTime>> {
        self.delivered.subscribe()
    }

    /// The job has ended: whoever waits for a receipt of a batch that was not delivered hears that it never will be.
    pub(crate) fn lose_receipts(&self) {
        let lost: Vec<PendingAcks> =
            self.state().in_flight.iter_mut().map(|batch| std::mem::take(&mut batch.acks)).collect();
        // Not under the lock: it wakes those who wait.
        drop(lost);
    }
}
