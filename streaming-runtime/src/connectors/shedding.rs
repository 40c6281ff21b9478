//! Sources that drop instead of waiting.

use crate::{
    contract::{
        error::ConnectorError, properties::SourceProperties, recovery::Recovery, source::Source,
        target::Origin,
    },
    intake::source_context::SourceContext,
};

/// Makes a source drop records instead of waiting while the job is behind. They are counted by port in
/// [`Job::shed`](crate::Job::shed).
///
/// A job is behind if a record would have to wait: the queues to all workers are full, the job is at its memory limit
/// ([`Engine::memory_limit`](crate::Engine::memory_limit)), or the source is over its rate
/// ([`Engine::max_rate`](crate::Engine::max_rate), [`Engine::backpressure`](crate::Engine::backpressure)). Records that are
/// sent together are dropped in pieces of up to 1,024. Everything that is not counted is delivered, and a job that is being
/// stopped drops nothing. A [`Receipt`](crate::connect::Receipt) of a record that was dropped says
/// [`Closed`](crate::connect::Closed).
///
/// A paced source ([`Source::PACED`]) does not compile here: it is asked for each batch when there is room.
///
/// # After a crash
/// `shedding(durable(source))` has its records again from the log. Otherwise what was under way is lost, even if the source could
/// replay: it would not drop the same records the second time.
///
/// ```
/// use streaming_runtime::{connect::{channel, collect, shedding}, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     fn clicks<seen: Source<u64>, out: Sink<u64>>() {
///         seen.to(out);
///     }
/// );
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let (sender, seen) = channel(1024);
///     let (out, results) = collect();
///     let mut job = Engine::new().start(clicks::Ports { seen: shedding(seen), out })?;
///     sender.send(7).await?; // waits for the source at most, never for the sink
///     job.stop().await?;
///     assert_eq!(job.shed(), [("seen", 0)]);
///     assert_eq!(results.records(), [7]);
///     Ok(())
/// }
/// ```
pub fn shedding<S>(source: S) -> Shedding<S> {
    Shedding(source)
}

/// See [`shedding()`].
#[derive(Clone, Debug)]
pub struct Shedding<S>(S);

impl<T: Send + 'static, S: Source<T>> Source<T> for Shedding<S> {
    const MAY_BLOCK: bool = S::MAY_BLOCK;
    const DRAINS: bool = S::DRAINS;
    const ACCEPTS: bool = S::ACCEPTS;
    const RECOVERY: Recovery = recovery(S::RECOVERY);

    fn origin(&self) -> Option<Origin> {
        self.0.origin()
    }

    fn properties(&self) -> SourceProperties {
        let source = self.0.properties();
        SourceProperties { paced: false, recovery: recovery(source.recovery), ..source }
    }

    async fn run(self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        const { assert!(!S::PACED, "a paced source has nothing to shed") };
        if self.0.properties().paced {
            // Chosen at run time, so the compiler could not say it.
            let what = "a paced source has nothing to shed: give it without `shedding(..)`";
            return Err(ConnectorError::Config(what.to_owned()));
        }
        out.shed();
        self.0.run(out).await
    }
}

/// What is dropped is not the same the second time.
const fn recovery(of: Recovery) -> Recovery {
    match of {
        Recovery::Logged => Recovery::Logged,
        Recovery::Lost | Recovery::Replays => Recovery::Lost,
    }
}
