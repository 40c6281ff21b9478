//! How a worker is woken.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

/// Wakes one worker. The flag outlives the wake-up, so a worker that was busy still sees it.
#[derive(Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    sleeper: OnceLock<Sleeper>,
}

/// Where a worker sleeps.
enum Sleeper {
    Thread(std::thread::Thread),
    Task(Arc<Notify>),
}

impl Signal {
    /// Names the calling thread as the one to wake.
    pub(crate) fn attach_thread(&self) {
        self.attach(Sleeper::Thread(std::thread::current()));
    }

    /// Names a task as the one to wake: it waits for what is returned.
    pub(crate) fn attach_task(&self) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.attach(Sleeper::Task(notify.clone()));
        notify
    }

    fn attach(&self, sleeper: Sleeper) {
        assert!(self.sleeper.set(sleeper).is_ok(), "a worker attaches once");
    }

    /// Wakes the worker, or makes it look again before it next sleeps.
    pub(crate) fn raise(&self) {
        if !self.raised.swap(true, Ordering::AcqRel) {
            match self.sleeper.get() {
                Some(Sleeper::Thread(thread)) => thread.unpark(),
                Some(Sleeper::Task(task)) => task.notify_one(),
                None => {}
            }
        }
    }

    /// Whether there was a call since the last time; the worker then looks at everything.
    pub(crate) fn take(&self) -> bool {
        self.raised.swap(false, Ordering::AcqRel)
    }

    /// Whether there was a call that [`take`](Signal::take) has not seen.
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }
}
