//! Wraps a storage: its calls can be observed while they run, and its panics are errors.
//!
//! A disk may hang: a call then never returns, and its thread cannot be stopped. So every running call is in a list, with its time
//! limit. Code that waits for the disk checks the list, gives up in time and names the call; the thread is left behind. A panic in a
//! storage's code becomes an error of that call.

use crate::{
    checkpoint::{Append, CheckpointError, Storage, places},
    panic_origin,
};
use std::{
    collections::BTreeMap,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What any storage moves in a second at least: what is large may take longer.
const BYTES_PER_SECOND: u64 = 16 << 20;

/// The calls to a storage that have not returned. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<CallsInner>);

#[derive(Debug)]
struct CallsInner {
    /// Tells them from those of other jobs.
    number: u64,
    /// What a call may take that moves nothing.
    limit: Duration,
    running: Mutex<BTreeMap<u64, Call>>,
    next: AtomicU64,
    /// The sizes of the objects, as they were listed.
    sizes: Mutex<BTreeMap<String, u64>>,
}

/// A call that has not returned.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    doing: &'static str,
    file: String,
    since: Instant,
    allowed: Duration,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { doing, file, since, .. } = self;
        write!(f, "the checkpoint's storage, {doing} `{file}` for {:.1?}", since.elapsed())
    }
}

impl Calls {
    pub(crate) fn new(limit: Duration) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (running, sizes) = Default::default();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Calls(Arc::new(CallsInner { number, limit, running, next: AtomicU64::new(0), sizes }))
    }

    /// Notes that the job has ended: its place is free as soon as these calls have returned.
    pub(crate) fn leave(&self) {
        places::leave(self.0.number);
    }

    /// Those that run now, the oldest first.
    pub(crate) fn running(&self) -> Vec<Call> {
        self.lock().values().cloned().collect()
    }

    /// The error that one is which has taken longer than it may.
    pub(crate) fn stuck(&self) -> Option<CheckpointError> {
        let running = self.lock();
        let call = running.values().find(|call| call.since.elapsed() > call.allowed)?;
        let Call { doing, file, allowed, .. } = call.clone();
        Some(CheckpointError::Stuck { doing, file, limit: allowed })
    }

    /// Runs `call`, which moves this many bytes.
    pub(crate) fn run<T>(
        &self,
        doing: &'static str,
        file: &str,
        bytes: u64,
        call: impl FnOnce(&RunningCall<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let allowed = self.allowed(bytes);
        self.lock().insert(id, Call { doing, file: file.to_owned(), since: Instant::now(), allowed });
        let running = RunningCall { calls: self, id };
        catch_unwind(AssertUnwindSafe(|| call(&running))).unwrap_or_else(|panic| {
            Err(io::Error::other(format!("the storage panicked: {}", panic_origin::message(&*panic))))
        })
    }

    fn allowed(&self, bytes: u64) -> Duration {
        self.0.limit.saturating_add(Duration::from_secs(bytes / BYTES_PER_SECOND))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Call>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sizes(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place in the list.
pub(crate) struct RunningCall<'a> {
    calls: &'a Calls,
    id: u64,
}

impl RunningCall<'_> {
    /// The call goes on: its time begins anew, for this many bytes.
    fn extend(&self, bytes: u64) {
        let allowed = self.calls.allowed(bytes);
        if let Some(call) = self.calls.lock().get_mut(&self.id) {
            (call.since, call.allowed) = (Instant::now(), allowed);
        }
    }
}

impl Drop for RunningCall<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.id);
    }
}

/// See the module. It names itself as what is in it does.
pub(crate) struct Watched {
    storage: Arc<dyn Storage>,
    calls: Calls,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.storage.fmt(f)
    }
}

impl Watched {
    pub(crate) fn new(storage: Arc<dyn Storage>, calls: Calls) -> Self {
        Watched { storage, calls }
    }
}

impl Storage for Watched {
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        let guard = self.calls.run("locking", "the place", 0, |_| self.storage.lock())?;
        places::lock(self.calls.0.number, format!("{self:?}"));
        Ok(Box::new(CallGuard { guard: Some(guard), calls: self.calls.clone() }))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let files = self.calls.run("listing", "the place", 0, |_| self.storage.list())?;
        *self.calls.sizes() = files.iter().cloned().collect();
        Ok(files)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let size = self.calls.sizes().get(name).copied().unwrap_or(0);
        self.calls.run("reading", name, size, |_| self.storage.read(name))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn Append>> {
        let append = self.calls.run("creating", name, 0, |_| self.storage.append(name))?;
        let (name, calls) = (name.to_owned(), self.calls.clone());
        Ok(Box::new(WatchedAppend { append: Some(append), name, unsynced: 0, calls }))
    }

    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64> {
        let mut bytes = 0;
        self.calls.run("writing", name, 0, |running| {
            let mut parts = parts.inspect(|part| {
                bytes += part.as_ref().map_or(0, |part| part.len() as u64);
                // At the end all of them are synced.
                running.extend(bytes);
            });
            self.storage.publish(name, &mut parts)
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.calls.run("removing", name, 0, |_| self.storage.remove(name))
    }
}

/// The place's guard.
struct CallGuard {
    guard: Option<Box<dyn Send>>,
    calls: Calls,
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let guard = self.guard.take();
        drop_with(&self.calls, "giving free", "the place", guard);
        places::free(self.calls.0.number);
    }
}

/// An object that grows.
struct WatchedAppend {
    append: Option<Box<dyn Append>>,
    name: String,
    unsynced: u64,
    calls: Calls,
}

impl Append for WatchedAppend {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let WatchedAppend { append, name, unsynced, calls } = self;
        *unsynced += bytes.len() as u64;
        let append = append.as_mut().expect("it is there until it is dropped");
        calls.run("appending to", name, bytes.len() as u64, |_| append.append(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        let WatchedAppend { append, name, unsynced, calls } = self;
        let append = append.as_mut().expect("it is there until it is dropped");
        calls.run("syncing", name, *unsynced, |_| append.sync())?;
        *unsynced = 0;
        Ok(())
    }
}

impl Drop for WatchedAppend {
    fn drop(&mut self) {
        let append = self.append.take();
        drop_with(&self.calls, "closing", &self.name, append);
    }
}

/// Drops something of the storage, and ignores its errors.
fn drop_with<T>(calls: &Calls, doing: &'static str, file: &str, what: T) {
    let dropped = calls.run(doing, file, 0, |_| {
        drop(what);
        Ok(())
    });
    if let Err(error) = dropped {
        tracing::error!(file, %error, "{doing} failed");
    }
}
