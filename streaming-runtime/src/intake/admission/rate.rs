//! Records per second: tokens that the job's clock makes, shared among the partitions of a source.
//!
//! Whoever waits is given its part of the tokens that come, by how many records wait behind it at the other end. Those that do not wait
//! are given none, so that a rate is used up by whichever partitions have records.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::{clock::Clock, time::BatchTime};

/// A source that was idle may catch up on this much time, and one record.
const BURST: f64 = 0.1;

/// A source that waits, waits for the tokens of this much time at once, so that a high rate is not a wake-up a record.
const STEP: f64 = 0.01;

/// The longest wait before looking again: of one that waits alone, and beside others, whose parts may become free.
const LONGEST: Duration = Duration::from_secs(3600);
const LONGEST_BESIDE: Duration = Duration::from_millis(100);

/// The tolerance for sums of fractions of tokens.
const ROUNDING: f64 = 1e-6;

/// Lets records through at the rate that is set; infinite is none. Clones share the rate.
pub(crate) struct Limiter {
    clock: Clock,
    rate: watch::Receiver<f64>,
    tokens: Arc<Mutex<Tokens>>,
    id: u64,
    /// Records that wait behind this one.
    lag: AtomicU64,
    /// Less than a token that is left over.
    part: f64,
    /// Of a rate that nobody changes: it would look as if the job were gone.
    fixed: Option<watch::Sender<f64>>,
}

impl Limiter {
    pub(crate) fn new(clock: Clock, rate: watch::Receiver<f64>) -> Self {
        let tokens = Tokens { spare: 1.0, at: clock.now(), waiting: HashMap::new(), next: 1 };
        Limiter {
            clock,
            rate,
            tokens: Arc::new(Mutex::new(tokens)),
            id: 0,
            lag: AtomicU64::new(0),
            part: 0.0,
            fixed: None,
        }
    }

    /// With a rate that stays.
    pub(crate) fn fixed(clock: Clock, rate: f64) -> Self {
        // A number above 0, whatever is asked for: nothing divides by it otherwise.
        let rate = watch::Sender::new(rate.max(f64::MIN_POSITIVE));
        Limiter { fixed: Some(rate.clone()), ..Limiter::new(clock, rate.subscribe()) }
    }

    /// So many records wait behind this one.
    pub(crate) fn set_lag(&self, records: u64) {
        self.lag.store(records, Ordering::Relaxed);
    }

    /// How many of `wanted` records may go now. Waits for the first.
    pub(crate) async fn take(&mut self, wanted: usize) -> usize {
        // Given up with the future, so that nothing is given to one who does not wait.
        let waiting = Waiting { tokens: self.tokens.clone(), id: self.id };
        loop {
            let rate = *self.rate.borrow_and_update();
            // One without a lag is not forgotten.
            let weight = self.lag.load(Ordering::Relaxed).max(1) as f64;
            let taker = (self.id, weight, &mut self.part);
            let taken = lock(&self.tokens).take(taker, self.clock.now(), rate, wanted);
            let until = match taken {
                Ok(taken) => return taken,
                Err(until) => until,
            };
            tokio::select! {
                () = self.clock.sleep_until(until) => {}
                changed = self.rate.changed() => {
                    if changed.is_err() {
                        // The job is gone; sending will say so.
                        drop(waiting);
                        return wanted;
                    }
                }
            }
        }
    }

    /// How many of `wanted` records may go now.
    pub(crate) fn try_take(&mut self, wanted: usize) -> usize {
        let rate = *self.rate.borrow_and_update();
        lock(&self.tokens).take_spare(self.clock.now(), rate, wanted)
    }

    /// So many of those that were taken did not go.
    pub(crate) fn give_back(&self, records: usize) {
        lock(&self.tokens).spare += records as f64;
    }
}

impl Clone for Limiter {
    fn clone(&self) -> Self {
        let id = lock(&self.tokens).next_id();
        let (clock, rate, tokens) = (self.clock.clone(), self.rate.clone(), self.tokens.clone());
        Limiter { clock, rate, tokens, id, lag: AtomicU64::new(0), part: 0.0, fixed: self.fixed.clone() }
    }
}

/// One that waits, until this is dropped.
struct Waiting {
    tokens: Arc<Mutex<Tokens>>,
    id: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.tokens).leave(self.id);
    }
}

fn lock(tokens: &Mutex<Tokens>) -> MutexGuard<'_, Tokens> {
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What may go.
struct Tokens {
    /// Nobody's yet.
    spare: f64,
    /// When they were last made.
    at: BatchTime,
    /// Who waits, with its weight and what it has.
    waiting: HashMap<u64, (f64, f64)>,
    next: u64,
}

impl Tokens {
    fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Makes those of the time that has passed, for who waits.
    fn make(&mut self, now: BatchTime, rate: f64) {
        let passed = Duration::from_nanos(now.as_nanos().saturating_sub(self.at.as_nanos()));
        self.at = now;
        self.spare = (self.spare + passed.as_secs_f64() * rate).min(rate * BURST + 1.0);
        self.share();
    }

    /// Gives what is nobody's to who waits.
    fn share(&mut self) {
        let weights: f64 = self.waiting.values().map(|(weight, _)| weight).sum();
        if weights > 0.0 {
            let spare = std::mem::take(&mut self.spare);
            self.waiting.values_mut().for_each(|(weight, has)| *has += spare * *weight / weights);
        }
    }

    /// It does not wait any more; what it has is left to others.
    fn leave(&mut self, id: u64) {
        self.spare += self.waiting.remove(&id).map_or(0.0, |(_, has)| has);
    }

    /// Takes up to `wanted` tokens, or says when to look again. The part of one that is left over is the taker's.
    fn take(
        &mut self,
        (id, weight, part): (u64, f64, &mut f64),
        now: BatchTime,
        rate: f64,
        wanted: usize,
    ) -> Result<usize, BatchTime> {
        if rate.is_infinite() {
            self.at = now;
            self.leave(id);
            return Ok(wanted);
        }
        // What was made so far is of those that have waited.
        self.make(now, rate);
        let has = self.waiting.get(&id).map_or(0.0, |(_, has)| *has) + std::mem::take(part);
        self.waiting.insert(id, (weight, has));
        self.share();
        let has = self.waiting.get(&id).map_or(0.0, |(_, has)| *has);
        let taken = ((has + ROUNDING) as usize).min(wanted);
        if taken > 0 {
            self.waiting.remove(&id);
            let rest = (has - taken as f64).max(0.0);
            *part = rest.fract();
            self.spare += rest.trunc();
            return Ok(taken);
        }
        let weights: f64 = self.waiting.values().map(|(weight, _)| weight).sum();
        let rate = rate * weight / weights;
        let step = (rate * STEP).clamp(1.0, wanted.max(1) as f64);
        let longest = if self.waiting.len() > 1 { LONGEST_BESIDE } else { LONGEST };
        let wait = ((step - has).max(0.0) / rate).min(longest.as_secs_f64());
        // Up, so that the tokens are there by then.
        Err(now + (Duration::from_secs_f64(wait) + Duration::from_nanos(1)))
    }

    /// Takes up to `wanted` of those that are nobody's.
    fn take_spare(&mut self, now: BatchTime, rate: f64, wanted: usize) -> usize {
        if rate.is_infinite() {
            self.at = now;
            return wanted;
        }
        self.make(now, rate);
        let taken = ((self.spare + ROUNDING) as usize).min(wanted);
        self.spare -= taken as f64;
        taken
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

    /// Each takes what it can for a while; returns how much that was.
    async fn all_take(limiters: Vec<Limiter>, clock: &ManualClock, steps: usize) -> Vec<usize> {
        let taken: Vec<_> = limiters.iter().map(|_| Arc::new(Mutex::new(0))).collect();
        let each = limiters.into_iter().zip(&taken).map(|(mut limiter, taken)| async move {
            loop {
                *taken.lock().expect("no panic") += limiter.take(1000).await;
            }
        });
        let mut all = Box::pin(futures::future::join_all(each));
        for _ in 0..steps {
            assert!(all.as_mut().now_or_never().is_none());
            clock.advance(millis(5));
            // A task that never yields is given nothing more by tokio.
            tokio::task::yield_now().await;
        }
        drop(all);
        taken.iter().map(|taken| *taken.lock().expect("no panic")).collect()
    }

    #[tokio::test]
    async fn partitions_share_a_rate_by_their_lag() {
        let (long, clock, _rate) = limiter(1000.0);
        let (short, even) = (long.clone(), long.clone());
        long.set_lag(6_000_000);
        short.set_lag(3_000_000);
        even.set_lag(1_000_000);
        let taken = all_take(vec![long, short, even], &clock, 2_000).await;
        assert!(taken.iter().sum::<usize>().abs_diff(10_000) < 50, "the rate is that of all: {taken:?}");
        let about = |taken: usize, wanted: usize| taken.abs_diff(wanted) < wanted / 20;
        assert!(about(taken[0], 6_000) && about(taken[1], 3_000) && about(taken[2], 1_000), "{taken:?}");
    }

    #[tokio::test]
    async fn one_that_does_not_wait_has_no_part_and_one_without_lag_is_not_forgotten() {
        let (mut busy, clock, _rate) = limiter(1000.0);
        let mut gone = busy.clone();
        busy.set_lag(1_000_000);
        gone.set_lag(1_000_000);
        assert_eq!(busy.take(1).await, 1);
        // It waits, and is dropped.
        assert!(Box::pin(gone.take(1)).as_mut().now_or_never().is_none());
        let taken = all_take(vec![busy], &clock, 200).await;
        assert!(taken[0].abs_diff(1_000) < 20, "{taken:?}");
        let (large, clock, _rate) = limiter(1000.0);
        let idle = large.clone();
        large.set_lag(999);
        let taken = all_take(vec![large, idle], &clock, 2_000).await;
        assert!(taken[1] >= 9 && taken[0] > 9_900, "{taken:?}");
    }

    #[tokio::test]
    async fn a_rate_that_stays_needs_nobody_who_sets_it() {
        let clock = ManualClock::new();
        let mut limiter = Limiter::fixed(Clock::Manual(clock.clone()), 10.0).clone();
        assert_eq!(limiter.take(5).await, 1);
        limiter.give_back(1);
        assert_eq!(limiter.take(5).await, 1);
        let mut waits = Box::pin(limiter.take(5));
        assert!(waits.as_mut().now_or_never().is_none());
        clock.advance(millis(101));
        assert_eq!(waits.await, 1);
    }
}
