//! What every thread of a job gets: a name, and the subscriber of the thread that started the job.

use tracing::{Dispatch, subscriber::NoSubscriber};

/// The name of a thread of a job. A job may have any name; that of a thread has no NUL in it.
pub(super) fn thread_name(name: &str) -> String {
    name.replace('\0', "\u{fffd}")
}

/// The subscriber of this thread, where it is not one that all threads have.
pub(super) fn scoped_subscriber() -> Option<Dispatch> {
    let subscriber = tracing::dispatcher::get_default(Dispatch::clone);
    (!subscriber.is::<NoSubscriber>()).then_some(subscriber)
}
