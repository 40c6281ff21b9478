//! Work that blocks, off the threads that must not.

use std::{future::Future, panic::resume_unwind};

use crate::{
    contract::error::ConnectorError,
    detached::{Lost, aside},
};

/// Starts `work` at once on a thread of its own; the future waits for its result. A panic in `work` goes on here.
/// Dropping the future does not stop the work: one that hangs is left behind with its thread.
pub(crate) fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> impl Future<Output = Result<R, ConnectorError>> + Send {
    let running = aside(work);
    async move {
        running.await.map_err(|lost| match lost {
            Lost::Panicked(panic) => resume_unwind(panic),
            Lost::Refused(error) => {
                ConnectorError::io("starting a thread for work that blocks".to_owned(), error)
            }
        })
    }
}
