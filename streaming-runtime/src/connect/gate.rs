//! What a source must have before its records go to the workers: tokens of its rate, and room under the job's ceiling
//! of memory. Where it has not, it waits; a source that sheds drops the records and counts them.
//!
//! A job that is being stopped lets everything in: what a source has accepted is delivered, and no batch closes that
//! could make room. A paced source is not held up by either limit, because its batch closes only when it has sent all
//! of it; the engine asks it for a batch when there is room instead.

mod memory;
mod rate;
mod weight;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::Serialize;
use tokio::sync::watch;

pub use memory::Memory;
pub(crate) use memory::{Account, Held};
use rate::Limiter;

use crate::clock::Clock;

/// What the job knows and sets of one source.
#[derive(Debug)]
pub(crate) struct Throttle {
    pub(crate) port: &'static str,
    /// No rate is set above this.
    max: f64,
    /// Records by the second; infinite is no limit.
    rate: watch::Sender<f64>,
    shed: AtomicU64,
}

impl Throttle {
    pub(crate) fn new(port: &'static str, max: Option<f64>) -> Self {
        let max = max.unwrap_or(f64::INFINITY);
        Throttle { port, max, rate: watch::Sender::new(max), shed: AtomicU64::new(0) }
    }

    /// Limits the source to `rate`, or to the largest allowed if that is less.
    pub(crate) fn set(&self, rate: f64) {
        self.rate.send_replace(rate.min(self.max));
    }

    pub(crate) fn rate(&self) -> f64 {
        *self.rate.borrow()
    }

    pub(crate) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Acquire)
    }
}

/// The way into the job for one source's records.
pub(crate) struct Gate<T> {
    weigh: fn(&[T]) -> u64,
    account: Arc<Account>,
    throttle: Arc<Throttle>,
    /// None for a source that no rate limits.
    limiter: Option<Limiter>,
    paced: bool,
    sheds: bool,
}

impl<T> Gate<T> {
    /// The gate of a source that follows `clock` when its rate is limited.
    pub(crate) fn new(account: Arc<Account>, throttle: Arc<Throttle>, limited: Option<Clock>, paced: bool) -> Self
    where
        T: Serialize,
    {
        let limiter = limited.filter(|_| !paced).map(|clock| Limiter::new(clock, throttle.rate.subscribe()));
        Gate { weigh: weight::weigh, account, throttle, limiter, paced, sheds: false }
    }

    /// From now on nothing waits.
    pub(crate) fn shed(&mut self) {
        self.sheds = true;
    }

    /// Whether records are dropped that would have to wait.
    pub(crate) fn sheds(&self, stop: &watch::Receiver<bool>) -> bool {
        self.sheds && !*stop.borrow()
    }

    /// Counts records that were dropped.
    pub(crate) fn dropped(&self, records: usize) {
        self.throttle.shed.fetch_add(records as u64, Ordering::AcqRel);
    }

    /// How many of `wanted` records, one at least, the rate lets through now. Waits for the first, or says 0 if it sheds.
    pub(crate) async fn admit(&mut self, wanted: usize, stop: &mut watch::Receiver<bool>) -> usize {
        let sheds = self.sheds;
        let Some(limiter) = &mut self.limiter else { return wanted };
        if sheds {
            return if *stop.borrow() { wanted } else { limiter.try_take(wanted) };
        }
        tokio::select! {
            biased;
            // The sender goes only with the job; then sending says so.
            _ = stop.wait_for(|stop| *stop) => wanted,
            admitted = limiter.take(wanted) => admitted,
        }
    }

    /// Holds the bytes of `records` if there is room for them.
    pub(crate) fn try_hold(&self, records: &[T]) -> Option<Held> {
        self.account.try_hold((self.weigh)(records))
    }

    /// Holds the bytes of `records`, and waits until there is room for them.
    pub(crate) async fn hold(&self, records: &[T], stop: &mut watch::Receiver<bool>) -> Held {
        let bytes = (self.weigh)(records);
        if let Some(held) = self.account.try_hold(bytes) {
            return held;
        }
        if self.paced {
            return self.account.hold_anyway(bytes);
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => self.account.hold_anyway(bytes),
            held = self.account.hold(bytes) => held,
        }
    }

    /// A gate that is always open.
    #[cfg(test)]
    pub(crate) fn open() -> Self {
        Gate {
            weigh: |_| 0,
            account: Arc::new(Account::new(1)),
            throttle: Arc::new(Throttle::new("test", None)),
            limiter: None,
            paced: false,
            sheds: false,
        }
    }
}
