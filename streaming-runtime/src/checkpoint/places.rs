//! The places that jobs of this process have locked, and which of them are about to be free.
//!
//! An aborted job does not wait for its disk without a limit. While a call is still running, the place stays locked, and a new job there
//! would be refused. So a start waits for places of jobs that have ended.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a start waits for a job of this process that has ended to give its place free: as long as a call may take.
const WAIT: Duration = Duration::from_secs(30);

static LOCKED: Mutex<Vec<Locked>> = Mutex::new(Vec::new());
static FREED: Condvar = Condvar::new();

struct Locked {
    /// The number of the job's calls, see [`Calls`](super::Calls).
    by: u64,
    /// The storage, as it names itself.
    place: String,
    /// Whether the job has ended.
    leaves: bool,
}

fn locked() -> MutexGuard<'static, Vec<Locked>> {
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that a job has locked a place.
pub(super) fn lock(by: u64, place: String) {
    locked().push(Locked { by, place, leaves: false });
}

/// Notes that a job's place is free.
pub(super) fn free(by: u64) {
    locked().retain(|locked| locked.by != by);
    FREED.notify_all();
}

/// Notes that a job has ended: its place is free as soon as its disk answers.
pub(super) fn leave(by: u64) {
    locked().iter_mut().filter(|locked| locked.by == by).for_each(|locked| locked.leaves = true);
}

/// Waits until jobs that have ended give a place free, as long as a call may take.
pub(super) fn await_leaving(place: &str) {
    let leaves = |all: &mut Vec<Locked>| all.iter().any(|locked| locked.leaves && locked.place == place);
    drop(FREED.wait_timeout_while(locked(), WAIT, leaves));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn only_what_leaves_is_waited_for() {
        lock(u64::MAX, "a place".to_owned());
        await_leaving("a place"); // its job goes on
        leave(u64::MAX);
        await_leaving("another place");
        let is_free = || locked().iter().all(|locked| locked.by != u64::MAX);
        let waits = thread::spawn(move || {
            await_leaving("a place");
            is_free()
        });
        free(u64::MAX);
        assert!(waits.join().expect("it waits and no more"), "until then");
        await_leaving("a place"); // it is free
    }
}
