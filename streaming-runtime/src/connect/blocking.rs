//! Work that blocks, off the threads that must not.

use std::{future::Future, panic::resume_unwind};

use super::ConnectorError;

/// Starts `work` at once on tokio's pool for blocking work; the future waits for its result. A panic in
/// `work` goes on here. Dropping the future does not stop the work.
pub(super) fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> impl Future<Output = Result<R, ConnectorError>> + Send {
    let running = tokio::task::spawn_blocking(work);
    async move {
        running.await.map_err(|stopped| match stopped.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => ConnectorError::Closed,
        })
    }
}
