//! What a source needs before its records go to the workers: tokens of its rate, and room under the job's memory limit. Without them it
//! waits; a source that sheds drops the records and counts them.
//!
//! A job that is being stopped admits everything from a source that drains: what the source has accepted is delivered, and no batch closes
//! that could make room. A paced source is not limited, because its batch closes only when all of it is sent; the engine asks it for a
//! batch when there is room.

mod memory;
mod rate;
mod weight;

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Serialize;
use tokio::sync::watch;

pub use memory::Memory;
pub(crate) use memory::{Account, Held};
use rate::Limiter;

use crate::{
    clock::Clock,
    intake::{partitions::PartitionMetrics, progress::SourceProgress},
};

/// What the gates of a job have in common.
#[derive(Debug)]
pub(crate) struct Admissions {
    pub(crate) clock: Clock,
    max_rate: Option<f64>,
    /// Whether rates will be set while the job runs.
    adapts: bool,
    pub(crate) account: Arc<Account>,
    /// By source, in the order of their ports.
    pub(crate) throttles: Vec<Arc<Throttle>>,
}

impl Admissions {
    /// For sources that send at most `max_rate` records per second, and together hold at most `memory` bytes.
    pub(crate) fn new(clock: Clock, max_rate: Option<f64>, adapts: bool, memory: u64) -> Self {
        Admissions { clock, max_rate, adapts, account: Arc::new(Account::new(memory)), throttles: Vec::new() }
    }

    /// The gate of the next source.
    pub(crate) fn add<T: Serialize>(
        &mut self,
        port: &'static str,
        paced: bool,
        drains: bool,
    ) -> Admission<T> {
        let limited = !paced && (self.adapts || self.max_rate.is_some());
        let throttle = Arc::new(Throttle::new(port, limited, self.max_rate));
        self.throttles.push(throttle.clone());
        Admission {
            weigh: weight::weigh,
            account: self.account.clone(),
            limiter: limited.then(|| Limiter::new(self.clock.clone(), throttle.rate.subscribe())),
            own_limiter: None,
            throttle,
            clock: self.clock.clone(),
            paced,
            drains,
            sheds: false,
        }
    }
}

/// What the job knows and sets of one source.
pub(crate) struct Throttle {
    pub(crate) port: &'static str,
    /// No rate is set above this.
    max: f64,
    /// Whether a rate can be set at all.
    limited: bool,
    /// Records per second; infinite is no limit.
    rate: watch::Sender<f64>,
    shed: AtomicU64,
    ignored: AtomicU64,
    /// What the connector counts, by name.
    events: Mutex<Vec<(&'static str, Count)>>,
    /// What the connector is troubled by.
    trouble: Mutex<Option<Trouble>>,
    /// What there is to say of its partitions.
    partitions: OnceLock<Arc<SourceProgress>>,
}

/// Where a connector counts something.
type Count = Box<dyn Fn() -> u64 + Send + Sync>;

/// Where a connector says what troubles it, if anything does.
type Trouble = Box<dyn Fn() -> Option<String> + Send + Sync>;

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("port", &self.port).field("max", &self.max).finish_non_exhaustive()
    }
}

impl Throttle {
    pub(crate) fn new(port: &'static str, limited: bool, max: Option<f64>) -> Self {
        let max = max.filter(|_| limited).unwrap_or(f64::INFINITY);
        let rate = watch::Sender::new(max);
        let (shed, ignored) = (AtomicU64::new(0), AtomicU64::new(0));
        let (events, trouble, partitions) = (Mutex::default(), Mutex::default(), OnceLock::new());
        Throttle { port, max, limited, rate, shed, ignored, events, trouble, partitions }
    }

    /// Limits the source to `rate`, or to the largest allowed if that is less.
    pub(crate) fn set(&self, rate: f64) {
        if self.limited {
            self.rate.send_replace(rate.min(self.max));
        }
    }

    /// Records per second, if there is a limit.
    pub(crate) fn limit(&self) -> Option<f64> {
        Some(*self.rate.borrow()).filter(|rate| rate.is_finite())
    }

    /// Things that the source found and left alone.
    pub(crate) fn ignored(&self) -> u64 {
        self.ignored.load(Ordering::Acquire)
    }

    pub(crate) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Acquire)
    }

    /// Its partitions, by name.
    pub(crate) fn partitions(&self) -> Vec<PartitionMetrics> {
        self.partitions.get().map_or_else(Vec::new, |progress| progress.partition_metrics())
    }

    /// What troubles the connector now.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().and_then(|trouble| trouble())
    }

    /// What the connector counts. A source in another may have begun anew: then the newest of a name counts.
    pub(crate) fn events(&self) -> Vec<(&'static str, u64)> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|(event, count)| (*event, count())).collect()
    }
}

/// The way into the job for one source's records.
pub(crate) struct Admission<T> {
    weigh: fn(&[T]) -> u64,
    account: Arc<Account>,
    throttle: Arc<Throttle>,
    clock: Clock,
    /// None for a source that no rate limits.
    limiter: Option<Limiter>,
    /// None unless a partition has a limit of its own.
    own_limiter: Option<Limiter>,
    paced: bool,
    drains: bool,
    sheds: bool,
}

/// For a source inside of a source.
impl<T> Clone for Admission<T> {
    fn clone(&self) -> Self {
        Admission {
            weigh: self.weigh,
            account: self.account.clone(),
            throttle: self.throttle.clone(),
            clock: self.clock.clone(),
            limiter: self.limiter.clone(),
            own_limiter: self.own_limiter.clone(),
            paced: self.paced,
            drains: self.drains,
            sheds: self.sheds,
        }
    }
}

impl<T> Admission<T> {
    /// Shows a number of the connector's in the job's metrics.
    pub(crate) fn count(&self, event: &'static str, count: impl Fn() -> u64 + Send + Sync + 'static) {
        let mut events = self.throttle.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.retain(|(known, _)| *known != event);
        events.push((event, Box::new(count)));
    }

    /// Has what troubles the connector shown in the job's explanations.
    pub(crate) fn explain_trouble(&self, trouble: impl Fn() -> Option<String> + Send + Sync + 'static) {
        *self.throttle.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(trouble));
    }

    /// So many records wait at the other end: its part of the source's rate is by that.
    pub(crate) fn set_lag(&self, records: u64) {
        self.limiter.iter().for_each(|limiter| limiter.set_lag(records));
    }

    /// Limits what goes through here, beside the source's rate.
    pub(crate) fn limit(&mut self, rate: f64) {
        self.own_limiter = (!self.paced).then(|| Limiter::fixed(self.clock.clone(), rate));
    }

    /// Shows the source's partitions in the job's metrics.
    pub(crate) fn show_partitions(&self, progress: Arc<SourceProgress>) {
        // A source has one progress.
        let _ = self.throttle.partitions.set(progress);
    }

    /// From now on nothing waits.
    pub(crate) fn shed(&mut self) {
        self.sheds = true;
    }

    /// Whether records are dropped that would have to wait.
    pub(crate) fn sheds(&self, stop: &watch::Receiver<bool>) -> bool {
        self.sheds && !(self.drains && *stop.borrow())
    }

    /// Counts things that the source found and left alone.
    pub(crate) fn ignore(&self, things: u64) {
        self.throttle.ignored.fetch_add(things, Ordering::AcqRel);
    }

    /// Stream time less the system's, in nanoseconds, if it follows that.
    pub(crate) fn clock_offset(&self) -> Option<i64> {
        self.clock.look()
    }

    /// Counts records that were dropped.
    pub(crate) fn dropped(&self, records: usize) {
        self.throttle.shed.fetch_add(records as u64, Ordering::AcqRel);
    }

    /// How many of `wanted` records, at least one, the rates admit now. Waits for the first one, or returns 0 if it sheds.
    pub(crate) async fn admit(&mut self, wanted: usize, stop: &mut watch::Receiver<bool>) -> usize {
        if self.limiter.is_none() && self.own_limiter.is_none() {
            return wanted;
        }
        if self.sheds(stop) {
            let admitted = self.own_limiter.as_mut().map_or(wanted, |limiter| limiter.try_take(wanted));
            return self.limiter.as_mut().map_or(admitted, |limiter| limiter.try_take(admitted));
        }
        let (limiter, own) = (&mut self.limiter, &mut self.own_limiter);
        let taken = async {
            let Some(own) = own else { return take(limiter, wanted).await };
            let admitted = own.take(wanted).await;
            let taken = take(limiter, admitted).await;
            own.give_back(admitted - taken);
            taken
        };
        tokio::select! {
            biased;
            () = drained(self.drains, stop) => wanted,
            admitted = taken => admitted,
        }
    }

    /// The bytes of `records`.
    pub(crate) fn weigh(&self, records: &[T]) -> u64 {
        (self.weigh)(records)
    }

    /// Holds this many bytes if there is room.
    pub(crate) fn try_hold(&self, bytes: u64) -> Option<Held> {
        self.account.try_hold(bytes)
    }

    /// Holds so many bytes, and waits until there is room for them; not with those of a batch that runs again, which
    /// closes when it has all that it had, however much that was.
    pub(crate) async fn hold(&self, bytes: u64, again: bool, stop: &mut watch::Receiver<bool>) -> Held {
        if let Some(held) = self.account.try_hold(bytes) {
            return held;
        }
        if self.paced || again {
            return self.account.hold_anyway(bytes);
        }
        tokio::select! {
            biased;
            () = drained(self.drains, stop) => self.account.hold_anyway(bytes),
            held = self.account.hold(bytes) => held,
        }
    }

    /// A gate that is always open.
    #[cfg(test)]
    pub(crate) fn open() -> Self {
        Admission {
            weigh: |_| 0,
            account: Arc::new(Account::new(1)),
            throttle: Arc::new(Throttle::new("test", false, None)),
            clock: Clock::Manual(crate::clock::ManualClock::new()),
            limiter: None,
            own_limiter: None,
            paced: false,
            drains: false,
            sheds: false,
        }
    }
}

/// How many of `wanted` records a rate admits, if there is one.
async fn take(limiter: &mut Option<Limiter>, wanted: usize) -> usize {
    match limiter {
        Some(limiter) => limiter.take(wanted).await,
        None => wanted,
    }
}

/// Waits until a source that drains is asked to; others are dropped then.
async fn drained(drains: bool, stop: &mut watch::Receiver<bool>) {
    match drains {
        // The sender is dropped only with the job; then sending returns an error.
        true => drop(stop.wait_for(|stop| *stop).await),
        false => std::future::pending().await,
    }
}
