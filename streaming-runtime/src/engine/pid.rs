//! Spark's estimator of the rate at which a job can take in records.

use std::time::Duration;

use crate::error::StartError;

/// Back-pressure by Spark's PID controller, with its defaults, for [`Engine::backpressure`](super::Engine::backpressure).
///
/// After each batch the rate is set to
/// `last rate - proportional * error - integral * backlog - derivative * change of error`, and to `min_rate` at least,
/// where `error` is the last rate less the rate at which the batch was processed, and `backlog` the records that waited
/// while the batch did, by the second of the batch interval.
///
/// ```
/// use streaming_runtime::{Engine, Pid};
///
/// let engine = Engine::new().backpressure(Pid { min_rate: 1000.0, ..Pid::default() });
/// # let _ = engine;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pid {
    /// How strongly the rate follows that of the last batch: `spark.streaming.backpressure.pid.proportional`, 1.0. 0 at
    /// least.
    pub proportional: f64,
    /// How strongly it makes up for the time that batches waited: `spark.streaming.backpressure.pid.integral`, 0.2. 0 at
    /// least.
    pub integral: f64,
    /// How strongly it answers to changes of the error: `spark.streaming.backpressure.pid.derived`, 0.0. 0 at least.
    pub derivative: f64,
    /// The smallest rate, in records per second: `spark.streaming.backpressure.pid.minRate`, 100. More than 0.
    pub min_rate: f64,
    /// The rate before there is an estimate, in records per second: `spark.streaming.backpressure.initialRate`. Without
    /// one, the largest that is allowed.
    pub initial_rate: Option<f64>,
}

impl Default for Pid {
    fn default() -> Self {
        Pid { proportional: 1.0, integral: 0.2, derivative: 0.0, min_rate: 100.0, initial_rate: None }
    }
}

impl Pid {
    /// An estimator for batches of `interval`.
    ///
    /// # Errors
    /// [`StartError::Config`] for an interval of 0, a factor that is negative or no number, a rate that is not more than
    /// 0.
    pub fn estimator(self, interval: Duration) -> Result<PidEstimator, StartError> {
        let check = |holds: bool, what: &str| match holds {
            true => Ok(()),
            false => Err(StartError::Config(format!("back-pressure: {what}, and it is given as {self:?}"))),
        };
        check(!interval.is_zero(), "the batch interval must be more than 0")?;
        let factors = [
            (self.proportional, "proportional"),
            (self.integral, "integral"),
            (self.derivative, "derivative"),
        ];
        for (factor, name) in factors {
            check(factor >= 0.0 && factor.is_finite(), &format!("`{name}` must be 0 or more"))?;
        }
        let is_rate = |rate: f64| rate > 0.0 && rate.is_finite();
        check(is_rate(self.min_rate), "`min_rate` must be more than 0")?;
        check(self.initial_rate.is_none_or(is_rate), "`initial_rate` must be more than 0")?;
        Ok(PidEstimator { pid: self, interval_ms: interval.as_secs_f64() * 1e3, last: None })
    }
}

/// Estimates rates from batches, by [`Pid`]; [`Engine::backpressure`](super::Engine::backpressure) has one for each
/// source.
#[derive(Clone, Debug)]
pub struct PidEstimator {
    pid: Pid,
    interval_ms: f64,
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    time_ms: f64,
    rate: f64,
    error: f64,
}

impl PidEstimator {
    /// A new rate in records per second, from a batch of `elements` that was done at `time_ms`, was worked on for
    /// `processing_ms` and had waited for `scheduling_ms` before.
    ///
    /// None where nothing can be learned: from the first batch, which only says where to start; from one without records
    /// or without a time; from one that is not later than the last.
    pub fn compute(
        &mut self,
        time_ms: f64,
        elements: i64,
        processing_ms: f64,
        scheduling_ms: f64,
    ) -> Option<f64> {
        let is_later = time_ms > self.last.map_or(-1.0, |last| last.time_ms);
        if !is_later || elements <= 0 || processing_ms <= 0.0 {
            return None;
        }
        let processing_rate = elements as f64 / processing_ms * 1e3;
        let Some(last) = self.last else {
            self.last = Some(Last { time_ms, rate: processing_rate, error: 0.0 });
            return None;
        };
        let Pid { proportional, integral, derivative, min_rate, .. } = self.pid;
        let error = last.rate - processing_rate;
        let backlog = scheduling_ms * processing_rate / self.interval_ms;
        let change = (error - last.error) / ((time_ms - last.time_ms) / 1e3);
        let rate = last.rate - proportional * error - integral * backlog - derivative * change;
        let rate = rate.max(min_rate);
        self.last = Some(Last { time_ms, rate, error });
        Some(rate)
    }
}
