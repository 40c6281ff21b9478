//! Connectors that are chosen at run time.

use std::{fmt, future::Future, pin::Pin};

use crate::{
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        error::ConnectorError,
        port_context::PortContext,
        properties::{SinkProperties, SourceProperties},
        sink::{Batch, Sink},
        source::Source,
        target::{Origin, Target},
    },
    intake::source_context::SourceContext,
    time::BatchTime,
};

type Pending<'a, R> = Pin<Box<dyn Future<Output = Result<R, ConnectorError>> + Send + 'a>>;

/// A source whose type is chosen at run time. The engine treats it as the source in it: recovery, pacing, blocking and the files
/// that it reads are those of that source, also inside of [`durable`](crate::connect::durable()) and
/// [`shedding`](crate::connect::shedding()). It costs one call by pointer a job, and nothing a record.
///
/// Put it around [`restarted`](crate::connect::restarted), and not into it: the engine asks before a source is made.
///
/// ```
/// use streaming_runtime::connect::{any_source, file, tcp};
///
/// let address: Option<String> = None; // from the command line
/// let lines = match address {
///     Some(address) => any_source(tcp::lines(address)),
///     None => any_source(file::lines("access.log")),
/// };
/// # fn is_source(_: impl streaming_runtime::Source<String>) {}
/// # is_source(lines);
/// ```
pub fn any_source<T: Send + 'static>(source: impl Source<T>) -> AnySource<T> {
    AnySource(Box::new(source))
}

/// See [`any_source`].
pub struct AnySource<T>(Box<dyn ErasedSource<T>>);

impl<T> fmt::Debug for AnySource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySource").finish_non_exhaustive()
    }
}

/// A source without its type.
trait ErasedSource<T>: Send {
    fn erased_properties(&self) -> SourceProperties;
    fn erased_origin(&self) -> Option<Origin>;
    fn erased_run(self: Box<Self>, out: SourceContext<T>) -> Pending<'static, ()>;
}

impl<T: Send + 'static, S: Source<T>> ErasedSource<T> for S {
    fn erased_properties(&self) -> SourceProperties {
        self.properties()
    }
    fn erased_origin(&self) -> Option<Origin> {
        self.origin()
    }
    fn erased_run(self: Box<Self>, out: SourceContext<T>) -> Pending<'static, ()> {
        Box::pin((*self).run(out))
    }
}

impl<T: Send + 'static> Source<T> for AnySource<T> {
    fn origin(&self) -> Option<Origin> {
        self.0.erased_origin()
    }

    fn properties(&self) -> SourceProperties {
        self.0.erased_properties()
    }

    async fn run(self, out: SourceContext<T>) -> Result<(), ConnectorError> {
        self.0.erased_run(out).await
    }
}

/// A sink whose type is chosen at run time. The engine treats it as the sink in it: delivery after a crash, targets and
/// checkpoint marks are those of that sink, also inside of a [policy](crate::connect::SinkPolicies). It costs one allocation a batch.
///
/// ```
/// use streaming_runtime::connect::{any_sink, console, text_files};
///
/// let directory: Option<String> = None; // from the command line
/// let out = match directory {
///     Some(directory) => any_sink(text_files(directory)),
///     None => any_sink(console()),
/// };
/// # fn is_sink(_: impl streaming_runtime::Sink<String>) {}
/// # is_sink(out);
/// ```
pub fn any_sink<T: Send + 'static>(sink: impl Sink<T>) -> AnySink<T> {
    AnySink(Box::new(sink))
}

/// See [`any_sink`].
pub struct AnySink<T>(Box<dyn ErasedSink<T>>);

impl<T> fmt::Debug for AnySink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySink").finish_non_exhaustive()
    }
}

/// A sink without its type.
trait ErasedSink<T>: Send {
    fn erased_properties(&self) -> SinkProperties;
    fn erased_targets(&self) -> Vec<Target>;
    fn erased_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError>;
    fn erased_mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Pending<'_, ()>;
    fn erased_open<'a>(&'a mut self, context: &'a PortContext) -> Pending<'a, ()>;
    fn erased_committed(&mut self) -> Pending<'_, Option<BatchTime>>;
    fn erased_write(&mut self, batch: Batch<T>) -> Pending<'_, ()>;
    fn erased_close(&mut self) -> Pending<'_, ()>;
}

impl<T: Send + 'static, S: Sink<T>> ErasedSink<T> for S {
    fn erased_properties(&self) -> SinkProperties {
        self.properties()
    }
    fn erased_targets(&self) -> Vec<Target> {
        self.targets()
    }
    fn erased_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.checkpoint_mark()
    }
    fn erased_mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Pending<'_, ()> {
        Box::pin(self.mark_checkpoint(checkpoint))
    }
    fn erased_open<'a>(&'a mut self, context: &'a PortContext) -> Pending<'a, ()> {
        Box::pin(self.open(context))
    }
    fn erased_committed(&mut self) -> Pending<'_, Option<BatchTime>> {
        Box::pin(self.committed())
    }
    fn erased_write(&mut self, batch: Batch<T>) -> Pending<'_, ()> {
        Box::pin(self.write(batch))
    }
    fn erased_close(&mut self) -> Pending<'_, ()> {
        Box::pin(self.close())
    }
}

impl<T: Send + 'static> Sink<T> for AnySink<T> {
    fn properties(&self) -> SinkProperties {
        self.0.erased_properties()
    }

    fn targets(&self) -> Vec<Target> {
        self.0.erased_targets()
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.0.erased_mark()
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.0.erased_mark_checkpoint(checkpoint).await
    }

    async fn open(&mut self, context: &PortContext) -> Result<(), ConnectorError> {
        self.0.erased_open(context).await
    }

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.0.erased_committed().await
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        self.0.erased_write(batch).await
    }

    async fn close(&mut self) -> Result<(), ConnectorError> {
        self.0.erased_close().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        connectors::{
            channel::channel, console::console, directory, durable::durable, file, policy::SinkPolicies,
            queue::queue, shedding::shedding, text_files::text_files, view::view,
        },
        contract::{delivery::Delivery, recovery::Recovery, retry::Retry, testing},
    };

    fn same<T: Send + 'static>(source: impl Source<T>) -> AnySource<T> {
        let is = source.properties();
        let any = any_source(source);
        assert_eq!(any.properties(), is);
        any
    }

    #[test]
    fn a_source_keeps_what_it_is() {
        assert!(same(queue(vec![vec![1]])).properties().paced);
        assert_eq!(same(file::lines("a")).properties().recovery, Recovery::Replays);
        assert!(same(directory::lines("a")).origin().is_some());
        let channel = || any_source(channel::<u64>(1).1);
        assert_eq!(channel().properties().recovery, Recovery::Lost);
        assert_eq!(durable(channel()).properties().recovery, Recovery::Logged);
        assert_eq!(any_source(durable(channel())).properties().recovery, Recovery::Logged);
        assert_eq!(durable(any_source(file::lines("a"))).properties().recovery, Recovery::Replays);
        assert_eq!(shedding(durable(channel())).properties().recovery, Recovery::Logged);
        assert!(Some(any_source(queue(vec![vec![1]]))).properties().paced);
    }

    #[test]
    fn a_sink_keeps_what_it_is() {
        let files = || any_sink::<String>(text_files("a"));
        assert_eq!(files().properties().delivery, Delivery::Idempotent);
        assert_eq!(files().targets().len(), 1);
        let limited = files().timeout(Duration::from_secs(1)).retry(Retry::default());
        assert_eq!(limited.properties().delivery, Delivery::Idempotent);
        assert_eq!(files().or_dead_letter(console()).properties().delivery, Delivery::AtLeastOnce);
        let (sink, _view) = view::<u64, u64>();
        let is = sink.properties();
        assert_eq!(any_sink(sink).properties(), is);
    }

    #[tokio::test]
    async fn what_cannot_be_known_before_is_said_when_it_runs() {
        let source = shedding(any_source(queue(vec![vec![1]])));
        let error = testing::run(source).finish().await.1.expect_err("nothing to shed");
        assert!(error.to_string().contains("without `shedding(..)`"), "{error}");
        let source =
            crate::connectors::policy::restarted(Retry::default(), || any_source(queue(vec![vec![1]])));
        let error = testing::run(source).finish().await.1.expect_err("it is asked for no batch");
        assert!(error.to_string().contains("around `restarted(..)`"), "{error}");
    }
}
