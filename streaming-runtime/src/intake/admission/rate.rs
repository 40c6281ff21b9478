//! Records per second: a token bucket that the job's clock fills.

use std::time::Duration;

use tokio::sync::watch;

use crate::{clock::Clock, time::BatchTime};

/// A source that was idle may catch up on this much time, and one record.
const BURST: f64 = 0.1;

/// A source that waits, waits for the tokens of this much time at once, so that a high rate is not a wake-up a record.
const STEP: f64 = 0.01;

/// The longest wait before looking again.
const LONGEST: Duration = Duration::from_secs(3600);

/// The tolerance for sums of fractions of tokens.
const ROUNDING: f64 = 1e-6;

/// Lets a source's records through at the rate that is set; infinite is none.
#[derive(Clone)]
pub(crate) struct Limiter {
    clock: Clock,
    rate: watch::Receiver<f64>,
    bucket: Bucket,
}

impl Limiter {
    pub(crate) fn new(clock: Clock, rate: watch::Receiver<f64>) -> Self {
        let bucket = Bucket { tokens: 1.0, at: clock.now() };
        Limiter { clock, rate, bucket }
    }

    /// How many of `wanted` records may go now. Waits for the first.
    pub(crate) async fn take(&mut self, wanted: usize) -> usize {
        loop {
            let rate = *self.rate.borrow_and_update();
            let (taken, wait) = self.bucket.take(self.clock.now(), rate, wanted);
            if taken > 0 {
                return taken;
            }
            tokio::select! {
                () = self.clock.sleep_until(self.bucket.at + wait) => {}
                changed = self.rate.changed() => {
                    if changed.is_err() {
                        // The job is gone; sending will say so.
                        return wanted;
                    }
                }
            }
        }
    }

    /// How many of `wanted` records may go now.
    pub(crate) fn try_take(&mut self, wanted: usize) -> usize {
        let rate = *self.rate.borrow_and_update();
        self.bucket.take(self.clock.now(), rate, wanted).0
    }
}

#[derive(Clone)]
struct Bucket {
    tokens: f64,
    /// When it was last filled.
    at: BatchTime,
}

impl Bucket {
    /// Takes up to `wanted` tokens; if there is none, returns how long after `now` to try again.
    fn take(&mut self, now: BatchTime, rate: f64, wanted: usize) -> (usize, Duration) {
        if rate.is_infinite() {
            self.at = now;
            return (wanted, Duration::ZERO);
        }
        let passed = Duration::from_nanos(now.as_nanos().saturating_sub(self.at.as_nanos()));
        self.tokens = (self.tokens + passed.as_secs_f64() * rate).min(rate * BURST + 1.0);
        self.at = now;
        let taken = ((self.tokens + ROUNDING) as usize).min(wanted);
        self.tokens -= taken as f64;
        let step = (rate * STEP).clamp(1.0, wanted.max(1) as f64);
        let wait = ((step - self.tokens).max(0.0) / rate).min(LONGEST.as_secs_f64());
        // Up, so that the tokens are there by then.
        (taken, Duration::from_secs_f64(wait) + Duration::from_nanos(1))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::{ManualClock, time::millis};

    fn limiter(rate: f64) -> (Limiter, ManualClock, watch::Sender<f64>) {
        let (clock, rate) = (ManualClock::new(), watch::Sender::new(rate));
        (Limiter::new(Clock::Manual(clock.clone()), rate.subscribe()), clock, rate)
    }

    #[test]
    fn as_many_as_time_has_passed_and_a_small_burst() {
        let (mut limiter, clock, _rate) = limiter(1000.0);
        assert_eq!(limiter.try_take(10), 1, "one at the start");
        assert_eq!(limiter.try_take(10), 0);
        clock.advance(millis(7));
        assert_eq!(limiter.try_take(10), 7);
        clock.advance(Duration::from_secs(60));
        assert_eq!(limiter.try_take(1000), 101, "a tenth of a second is caught up on");
    }

    #[test]
    fn parts_of_tokens_are_kept() {
        let (mut limiter, clock, _rate) = limiter(3.0);
        limiter.try_take(1);
        let mut taken = 0;
        for _ in 0..100 {
            clock.advance(millis(100));
            taken += limiter.try_take(9);
        }
        assert_eq!(taken, 30, "in 10 s");
    }

    #[tokio::test]
    async fn waits_by_the_clock_for_a_step_at_once() {
        let (mut limiter, clock, _rate) = limiter(1000.0);
        assert_eq!(limiter.take(500).await, 1);
        let mut waits = Box::pin(limiter.take(500));
        assert!(waits.as_mut().now_or_never().is_none());
        clock.advance(millis(9));
        assert!(waits.as_mut().now_or_never().is_none(), "ten milliseconds are a step");
        clock.advance(millis(2));
        assert_eq!(waits.await, 11);
    }

    #[tokio::test]
    async fn a_new_rate_is_heard_by_who_waits() {
        let (mut limiter, clock, rate) = limiter(0.001);
        assert_eq!(limiter.take(1).await, 1);
        let mut waits = Box::pin(limiter.take(5));
        assert!(waits.as_mut().now_or_never().is_none());
        rate.send_replace(f64::INFINITY);
        assert_eq!(waits.await, 5);
        rate.send_replace(0.001);
        clock.advance(millis(10));
        let mut waits = Box::pin(limiter.take(5));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(rate);
        assert_eq!(waits.await, 5, "the job is gone");
    }
}
