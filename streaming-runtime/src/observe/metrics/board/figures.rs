//! The board in numbers, for those who read it.

use std::{
    sync::atomic::Ordering::{Acquire, Relaxed},
    time::Duration,
};

use crate::{
    observe::{
        metrics::{
            ClockOffset, Frontier, JobMetrics, OperatorMetrics, SinkMetrics, SourceMetrics,
            board::{Board, SinkBoard, SourceState},
            recent::rate,
        },
        operator_stats::OperatorCell,
    },
    time::BatchTime,
};

impl Board {
    /// The job in numbers.
    pub(crate) fn metrics(&self) -> JobMetrics {
        let delivered = self.delivered.load(Acquire);
        let closed = self.closed();
        let sources: Vec<_> = (0..self.sources.len()).map(|source| self.source(source)).collect();
        let last = BatchTime::from_nanos(self.last_delivered.load(Relaxed));
        let engine = self.workers.iter().map(|worker| worker.cells.engine_nanos.load(Relaxed)).sum();
        JobMetrics {
            job: self.job.to_string(),
            workers: self.workers.len(),
            uptime: self.ended.get().copied().unwrap_or_else(|| self.began.elapsed()),
            clock: ClockOffset::of(self.clock.offset()),
            has_ended: self.has_ended(),
            records: sources.iter().map(|source| source.records).sum(),
            batches_closed: closed,
            batches_delivered: delivered,
            batches_in_flight: closed.saturating_sub(delivered),
            last_batch: (delivered > 0).then_some(last),
            last_batch_nanos: (delivered > 0).then_some(last.as_nanos()),
            scheduling_delay: self.scheduling.summary(),
            processing_delay: self.processing.summary(),
            engine_busy: Duration::from_nanos(engine),
            listener_panics: self.listener_panics.load(Relaxed),
            strangers: self.strangers.load(Relaxed),
            memory: self.admissions.account.memory(),
            sources,
            sinks: self.sinks.iter().map(|sink| self.sink(sink)).collect(),
            operators: self.operators(closed),
        }
    }

    fn source(&self, source: usize) -> SourceMetrics {
        let taken = || self.workers.iter().map(|worker| &worker.sources[source]);
        let now = self.clock.now().as_nanos();
        let port = self.sources[source].port;
        let throttle = &self.admissions.throttles[source];
        let has_ended = self.sources[source].state() == SourceState::Ended;
        SourceMetrics {
            port,
            records: taken().map(|taken| taken.records.load(Relaxed)).sum(),
            records_per_second: rate(taken().map(|taken| &taken.lately), self.began_at, now),
            waiting_chunks: self.sources[source].waiting() as u64,
            idle: self.idle(source),
            max_rate: throttle.limit(),
            shed: throttle.shed(),
            events: throttle.events(),
            partitions: throttle.partitions(),
            ignored: throttle.ignored(),
            has_ended,
        }
    }

    fn sink(&self, sink: &SinkBoard) -> SinkMetrics {
        let (writes, since) = sink.doing();
        let since = self.ago(since);
        SinkMetrics {
            port: sink.port,
            records: sink.records.load(Relaxed),
            batches: sink.batches.load(Relaxed),
            busy: Duration::from_nanos(sink.busy.load(Relaxed)),
            writing: writes.then_some(since),
            waiting: (!writes).then_some(since),
        }
    }

    fn operators(&self, closed: u64) -> Vec<OperatorMetrics> {
        let skipped = self.skipped.totals();
        let skipped_by =
            |id| skipped.iter().find(|(operator, _)| *operator == id).map_or(0, |(_, records)| *records);
        let operator =
            |(operator, id): (usize, &&'static str)| self.operator(operator, closed, skipped_by(*id));
        self.operators.iter().enumerate().map(operator).collect()
    }

    fn operator(&self, operator: usize, closed: u64, skipped: u64) -> OperatorMetrics {
        let cells = || self.workers.iter().map(|worker| &worker.cells.operators[operator]);
        let sum = |of: fn(&OperatorCell) -> u64| cells().map(of).sum();
        OperatorMetrics {
            id: self.operators[operator],
            is_fused: !cells().any(|cell| cell.is_made.load(Relaxed)),
            records_in: sum(|cell| cell.records_in.load(Relaxed)),
            records_out: sum(|cell| cell.records_out.load(Relaxed)),
            skipped,
            busy: Duration::from_nanos(sum(|cell| cell.busy_nanos.load(Relaxed))),
            state_records: sum(|cell| cell.held().records),
            state_bytes: sum(|cell| cell.held().bytes),
            frontier: cells().filter_map(|cell| cell.frontier()).min().map(|epoch| match epoch < closed {
                true => Frontier::Batch(self.time_of(epoch)),
                false => Frontier::Open,
            }),
        }
    }
}
