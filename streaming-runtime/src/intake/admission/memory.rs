//! The bytes of input that a job holds, and their limit.
//!
//! Each chunk of records carries a [`Held`] from the moment it enters the job: with it through the queue, into the open
//! batch, and with the batch until every sink has taken it. Dropping it, wherever that happens, gives the bytes back.
//!
//! State of operators is not in it. Code that counts state may hold its bytes here as well, with a `Held` of [`Account::hold_anyway`] that
//! lives as long as the state, and grows and shrinks with it.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::{Mutex, Notify};

/// What a job holds of its input; see [`Engine::memory_limit`](crate::Engine::memory_limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// Bytes of the records in queues, in the open batch and in batches in flight.
    pub held: u64,
    /// The most that was ever held.
    pub peak: u64,
    /// The limit.
    pub ceiling: u64,
}

/// The books of one job.
#[derive(Debug)]
pub(crate) struct Account {
    ceiling: u64,
    held: AtomicU64,
    peak: AtomicU64,
    /// Sources that wait, in their order: a large chunk is not overtaken for ever by small ones.
    turn: Mutex<()>,
    waiting: AtomicUsize,
    released: Notify,
}

impl Account {
    pub(crate) fn new(ceiling: u64) -> Self {
        Account {
            ceiling,
            held: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            turn: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            released: Notify::new(),
        }
    }

    pub(crate) fn memory(&self) -> Memory {
        let held = self.held.load(Ordering::Acquire);
        Memory { held, peak: self.peak.load(Ordering::Acquire).max(held), ceiling: self.ceiling }
    }

    /// Whether a source waits for room.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Whether not even a byte more may be held.
    pub(crate) fn is_full(&self) -> bool {
        self.held.load(Ordering::Acquire) >= self.ceiling
    }

    /// Holds `bytes` if they stay below the limit, or if nothing else is held, and nobody else waits.
    pub(crate) fn try_hold(self: &Arc<Self>, bytes: u64) -> Option<Held> {
        match self.waiting.load(Ordering::Acquire) {
            0 => self.fit(bytes),
            _ => None,
        }
    }

    /// Waits until `bytes` stay under the ceiling, or nothing else is held. Dropped half-way, it holds nothing.
    pub(crate) async fn hold(self: &Arc<Self>, bytes: u64) -> Held {
        let _waiting = Waiting::new(&self.waiting);
        let _turn = self.turn.lock().await;
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // Registered before looking, so that a release in between is not missed.
            released.as_mut().enable();
            if let Some(held) = self.fit(bytes) {
                return held;
            }
            released.await;
        }
    }

    /// Holds `bytes`, whatever the ceiling.
    pub(crate) fn hold_anyway(self: &Arc<Self>, bytes: u64) -> Held {
        let held = self.held.fetch_add(bytes, Ordering::AcqRel) + bytes;
        self.held(bytes, held)
    }

    fn fit(self: &Arc<Self>, bytes: u64) -> Option<Held> {
        let fits = |held: u64| (held == 0 || held + bytes <= self.ceiling).then_some(held + bytes);
        let before = self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).ok()?;
        Some(self.held(bytes, before + bytes))
    }

    fn held(self: &Arc<Self>, bytes: u64, all: u64) -> Held {
        if all > self.peak.load(Ordering::Acquire) {
            self.peak.fetch_max(all, Ordering::AcqRel);
        }
        Held { account: Some(self.clone()), bytes }
    }
}

/// Bytes that are held until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    account: Option<Arc<Account>>,
    bytes: u64,
}

impl Held {
    /// Holds what `more` holds as well, which is of the same job.
    pub(crate) fn append(&mut self, more: &mut Held) {
        match self.account {
            Some(_) => self.bytes += mem::take(&mut more.bytes),
            None => *self = mem::take(more),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(account) = &self.account
            && self.bytes > 0
        {
            account.held.fetch_sub(self.bytes, Ordering::AcqRel);
            account.released.notify_waiters();
        }
    }
}

/// Counts one waiting source.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn account(ceiling: u64) -> Arc<Account> {
        Arc::new(Account::new(ceiling))
    }

    #[tokio::test]
    async fn waits_for_room_and_gives_back_when_dropped() {
        let account = account(100);
        let mut batch = account.try_hold(60).expect("there is room");
        batch.append(&mut account.try_hold(40).expect("there is room"));
        assert!(account.is_full());
        assert!(account.try_hold(1).is_none());
        let mut waits = Box::pin(account.hold(70));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(batch);
        let held = waits.await;
        assert_eq!(account.memory(), Memory { held: 70, peak: 100, ceiling: 100 });
        drop(held);
        assert_eq!(account.memory().held, 0);
    }

    #[tokio::test]
    async fn what_is_larger_than_the_ceiling_goes_alone() {
        let account = account(100);
        let small = account.try_hold(1).expect("there is room");
        let mut waits = Box::pin(account.hold(1000));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(small);
        let large = waits.await;
        assert_eq!(account.memory().held, 1000);
        assert!(account.try_hold(1).is_none());
        drop(large);
        assert!(account.try_hold(1).is_some());
    }

    #[tokio::test]
    async fn those_who_wait_come_first_and_may_give_up() {
        let account = account(100);
        let mut held = account.hold_anyway(90);
        let mut large = Box::pin(account.hold(50));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(account.try_hold(5).is_none(), "it would fit, but another was first");
        let mut small = Box::pin(account.hold(5));
        assert!(small.as_mut().now_or_never().is_none());
        drop(large);
        held.append(&mut small.await);
        assert_eq!(account.memory().held, 95);
        assert!(account.try_hold(5).is_some(), "nobody waits any more");
    }
}
