//! Work that may hang, on threads that nobody joins.
//!
//! Tokio waits for its pool of blocking work when a runtime is dropped, so one call to a disk that does not answer would keep a program
//! from ending. Here a stuck thread is left behind: the waiting code drops its future, and the process ends without the thread.

use std::{
    any::Any,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread::{
        ThreadId, {self},
    },
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot};

/// How long a thread waits for more work before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

/// Threads that wait for work, and where each is given it; the one that began to wait last is at the end. They need no
/// bound of their own: a caller has one piece of work at a time and waits for it.
static WAITING: Mutex<Vec<(ThreadId, Sender<Work>)>> = Mutex::new(Vec::new());

/// Why work has no result.
#[derive(Debug)]
pub(crate) enum Lost {
    /// It panicked.
    Panicked(Box<dyn Any + Send>),
    /// There is no thread to be had.
    Refused(io::Error),
}

/// Starts `work` at once on a thread of its own, in the caller's tokio runtime if there is one; the future waits for its
/// result. Dropping the future does not stop the work.
pub(crate) fn aside<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> impl Future<Output = Result<R, Lost>> + Send {
    let (done, result) = oneshot::channel();
    let runtime = Handle::try_current();
    let work = move || {
        let _context = runtime.as_ref().map(Handle::enter);
        let outcome = catch_unwind(AssertUnwindSafe(work));
        // The waiting code may have given up.
        let _ = done.send(outcome);
    };
    let begun = begin(Box::new(work));
    async move {
        begun.map_err(Lost::Refused)?;
        result.await.expect("work says how it ended").map_err(Lost::Panicked)
    }
}

/// Gives work to a thread that waits, or to a new one.
fn begin(work: Work) -> io::Result<()> {
    let free = waiting().pop();
    if let Some((_, thread)) = free {
        // One that is not in the list any more waits until something comes.
        thread.send(work).expect("whoever was in the list waits");
        return Ok(());
    }
    let thread = thread::Builder::new().name("streaming-aside".to_owned());
    thread.spawn(move || {
        let mut next = Some(work);
        while let Some(work) = next {
            work();
            next = more();
        }
    })?;
    Ok(())
}

/// Waits for more work, for some time.
fn more() -> Option<Work> {
    let (send, work) = channel();
    let own = thread::current().id();
    waiting().push((own, send));
    work.recv_timeout(IDLE).ok().or_else(|| {
        let mut waiting = waiting();
        let place = waiting.iter().position(|(thread, _)| *thread == own);
        match place {
            Some(place) => {
                waiting.remove(place);
                None
            }
            None => {
                drop(waiting);
                work.recv().ok() // it is on its way
            }
        }
    })
}

fn waiting() -> MutexGuard<'static, Vec<(ThreadId, Sender<Work>)>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_comes_back_and_so_do_panics() {
        for n in 0..100 {
            assert_eq!(aside(move || 2 * n).await.expect("done"), 2 * n);
        }
        let lost: Result<(), _> = aside(|| panic!("no")).await;
        assert!(matches!(lost, Err(Lost::Panicked(_))), "{lost:?}");
    }

    /// A runtime ends although work of its tasks does not.
    #[test]
    fn what_hangs_keeps_no_runtime() {
        let (_never, until) = channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (began, begins) = oneshot::channel();
            let hangs = aside(move || {
                began.send(()).expect("awaited");
                until.recv()
            });
            begins.await.expect("it runs");
            drop(hangs);
        });
        drop(runtime);
    }
}
