//! A source that is made again when it fails.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{
    connectors::policy::Retries,
    contract::{
        error::ConnectorError, properties::SourceProperties, recovery::Recovery, retry::Retry, source::Source,
    },
    intake::source_context::SourceContext,
    time::deadline,
};

/// A source that `make` makes, and makes again when it fails with an error that [may pass](ConnectorError::may_pass). `retry` gives
/// the waits and the number of attempts in a row. A source that ran for longer than the longest wait begins a new row.
///
/// What a source has sent stays sent, so the next one should go on behind it: `make` may remember how far the last one came. A
/// source that [replays](Recovery::Replays) does so by itself: it begins at its last position in a job with checkpoints, else at its
/// beginning, and the engine drops what was sent before. (A paced source that fails within a batch must find the same records again
/// in the next.) While none runs, batches are closed without its records. A panic of the source ends the job.
///
/// ```
/// use futures::stream;
/// use streaming_runtime::{ManualClock, connect::{Retry, collect, restarted, try_from_stream}, millis, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     fn copy<numbers: Source<i64>, out: Sink<i64>>() {
///         numbers.to(out);
///     }
/// );
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut feeds = vec![vec![Ok(3)], vec![Ok(1), Ok(2), Err("the line is down")]];
///     let feed = restarted(Retry::default().waits(millis(1), millis(2)), move || {
///         try_from_stream(stream::iter(feeds.pop().unwrap_or_default()))
///     });
///     let (out, numbers) = collect();
///     let mut job = Engine::new().manual_clock(&ManualClock::new()).start(copy::Ports { numbers: feed, out })?;
///     job.join().await?;
///     assert_eq!(numbers.records(), [1, 2, 3]);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// [`ConnectorError::GaveUp`] with the last error after too many failures in a row. An error that does not pass is returned at once,
/// as it is.
pub fn restarted<F, S>(retry: Retry, make: F) -> Restarted<F>
where
    F: FnMut() -> S + Send + 'static,
{
    Restarted { make, retry, retries: Retries::default() }
}

/// See [`restarted`].
#[derive(Debug)]
pub struct Restarted<F> {
    make: F,
    retry: Retry,
    retries: Retries,
}

impl<F> Restarted<F> {
    /// Counts how often the source was made again, also while the job runs.
    pub fn retries(&self) -> Retries {
        self.retries.clone()
    }
}

impl<T, S, F> Source<T> for Restarted<F>
where
    T: Send + 'static,
    S: Source<T>,
    F: FnMut() -> S + Send + 'static,
{
    const PACED: bool = S::PACED;
    const DRAINS: bool = S::DRAINS;
    const MAY_BLOCK: bool = S::MAY_BLOCK;
    const ACCEPTS: bool = S::ACCEPTS;
    const RECOVERY: Recovery = S::RECOVERY;

    async fn run(mut self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        let mut backoff = self.retry.backoff();
        loop {
            let begun = Instant::now();
            let source = (self.make)();
            if source.properties() != SourceProperties::of::<T, S>() {
                // The engine was told of the type, before there was a source.
                let what = "`restarted` cannot make a source that is chosen at run time: put `any_source(..)` around `restarted(..)`";
                return Err(ConnectorError::Config(what.to_owned()));
            }
            let Err(error) = attempt(source, &mut out).await else { return Ok(()) };
            if begun.elapsed() > self.retry.cap {
                backoff.reset();
            }
            let wait = backoff.after(error.clone())?;
            self.retries.add(&error);
            if S::RECOVERY == Recovery::Replays {
                out.rewind();
            }
            if stopped_within(wait, &mut out).await {
                return Ok(());
            }
        }
    }
}

/// Runs a source to its end, and hands on to it what the engine asks for.
async fn attempt<T: Send + 'static>(
    source: impl Source<T>,
    out: &mut SourceContext<T>,
) -> Result<(), ConnectorError> {
    let (inner, pace) = out.inner();
    let mut pace = Some(pace);
    let mut run = pin!(source.run(inner));
    loop {
        tokio::select! {
            biased;
            ended = &mut run => return ended,
            request = out.asked(), if pace.is_some() => match (request, &pace) {
                // The request before was answered, so there is room. A source that takes no more has answered this one.
                (Some(request), Some(pace)) => drop(pace.try_send(request)),
                _ => pace = None,
            }
        }
    }
}

/// Waits, and answers for the source that is not there; whether the job was asked to stop meanwhile.
async fn stopped_within<T>(wait: Duration, out: &mut SourceContext<T>) -> bool {
    let end = deadline(wait);
    let (mut other, _) = out.inner();
    let pauses = out.inner().0;
    let _pauses = pauses.pauses();
    let mut asked = true;
    loop {
        tokio::select! {
            biased;
            () = other.stop_requested() => return true,
            () = sleep_until(end) => return false,
            request = out.asked(), if asked => asked = request.is_some(),
        }
    }
}
