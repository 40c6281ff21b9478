//! Follows the batches of a job and sets its sources' rates by what it could take in: Spark's rate controller, with an
//! estimator for each source.
//!
//! Spark does one batch after the other, each from its records' arrival on; so the time of a batch is the time spent on
//! it. Here the dataflow works on a batch while it is open, and several are in flight. What is spent on a batch is
//! therefore counted from delivery to delivery: the time since the batch before was delivered, in which this one was
//! closed, or in which, nothing being in flight, a worker was busy. Waiting is what passed before that since its time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    engine::pid::{Pid, PidEstimator},
    error::StartError,
    intake::admission::Throttle,
    observe::listener::BatchInfo,
};

pub(crate) struct Backpressure {
    sources: Vec<(PidEstimator, Arc<Throttle>)>,
    started: Instant,
    /// When the last batch was delivered.
    delivered: Instant,
    /// By worker: how long it was busy since then while nothing was in flight.
    busy: Vec<Duration>,
}

impl Backpressure {
    pub(crate) fn new(
        pid: Pid,
        interval: Duration,
        throttles: &[Arc<Throttle>],
        workers: usize,
    ) -> Result<Self, StartError> {
        let estimator = pid.estimator(interval)?;
        let sources = throttles.iter().map(|throttle| (estimator.clone(), throttle.clone())).collect();
        for (throttle, rate) in throttles.iter().zip(std::iter::repeat(pid.initial_rate)) {
            rate.inspect(|rate| throttle.set(*rate));
        }
        let now = Instant::now();
        Ok(Backpressure { sources, started: now, delivered: now, busy: vec![Duration::ZERO; workers] })
    }

    /// A worker was busy from `began` to `ended`; the oldest batch in flight was closed at `closed`.
    pub(crate) fn was_busy(
        &mut self,
        worker: usize,
        began: Instant,
        ended: Instant,
        closed: Option<Instant>,
    ) {
        let (from, to) = (began.max(self.delivered), closed.unwrap_or(ended).min(ended));
        self.busy[worker] += to.saturating_duration_since(from);
    }

    /// A batch that was closed at `closed` is delivered.
    pub(crate) fn batch_completed(&mut self, batch: &BatchInfo, closed: Instant, now: Instant) {
        let taken_up = closed.max(self.delivered);
        let busy = self.busy.iter().max().copied().unwrap_or_default();
        let processing = now.saturating_duration_since(taken_up) + busy;
        let waiting = batch.scheduling_delay + taken_up.saturating_duration_since(closed);
        self.busy.fill(Duration::ZERO);
        self.delivered = now;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let time = millis(now.saturating_duration_since(self.started));
        for ((estimator, throttle), (port, records)) in self.sources.iter_mut().zip(&batch.records) {
            debug_assert_eq!(throttle.port, *port);
            if let Some(rate) = estimator.compute(time, *records as i64, millis(processing), millis(waiting))
            {
                tracing::debug!(port, rate, "back-pressure");
                throttle.set(rate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{BatchTime, millis, secs};

    fn batch(records: u64, scheduling_delay: Duration) -> BatchInfo {
        BatchInfo {
            job: "test".into(),
            time: BatchTime::default(),
            records: vec![("numbers", records)],
            scheduling_delay,
            processing_delay: Duration::ZERO,
        }
    }

    fn numbers(max: Option<f64>) -> (Arc<Throttle>, Backpressure) {
        let throttle = Arc::new(Throttle::new("numbers", true, max));
        let pid = Pid { integral: 0.0, ..Pid::default() };
        let all = std::slice::from_ref(&throttle);
        let backpressure = Backpressure::new(pid, secs(1), all, 2).expect("the settings are in range");
        (throttle, backpressure)
    }

    #[test]
    fn the_rate_is_that_of_the_last_batch() {
        let (throttle, mut backpressure) = numbers(Some(3000.0));
        let start = backpressure.started;
        let at = |ms: u64| start + millis(ms);
        assert_eq!(throttle.limit(), Some(3000.0));
        // A sink takes 500 ms, then 1 s for as many.
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(1000), at(1500));
        assert_eq!(throttle.limit(), Some(3000.0), "the first says where to start");
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(2000), at(3000));
        assert_eq!(throttle.limit(), Some(1000.0));
        // A batch that is closed behind another has the time from its delivery on.
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(2500), at(3500));
        assert_eq!(throttle.limit(), Some(2000.0));
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(4000), at(4010));
        assert_eq!(throttle.limit(), Some(3000.0), "never more than is allowed");
    }

    #[test]
    fn work_on_the_open_batch_counts_once() {
        let (throttle, mut backpressure) = numbers(None);
        let start = backpressure.started;
        let at = |ms: u64| start + millis(ms);
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(1000), at(1500));
        // Two workers beside each other, one of them until after the close and half of it before the delivery.
        backpressure.was_busy(0, at(1600), at(1700), None);
        backpressure.was_busy(1, at(1400), at(1600), None);
        backpressure.was_busy(1, at(1900), at(2400), Some(at(2000)));
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(2000), at(2300));
        assert_eq!(throttle.limit(), Some(2000.0), "1000 in 100 + 100 + 300 ms");
        backpressure.batch_completed(&batch(1000, Duration::ZERO), at(2300), at(2400));
        assert_eq!(throttle.limit(), Some(10_000.0));
    }
}
