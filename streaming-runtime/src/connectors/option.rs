//! A source that may be missing.

use crate::{
    contract::{
        error::ConnectorError, properties::SourceProperties, recovery::Recovery, source::Source,
        target::Origin,
    },
    intake::source_context::SourceContext,
};

/// A source that may be missing, for instance in all but one process of a [`Cluster`](crate::cluster::Cluster). `None` is a source that has
/// ended.
///
/// ```
/// use streaming_runtime::{connect::{Source, tcp}, cluster::Cluster};
///
/// let cluster = Cluster::new(["10.0.0.1:2101", "10.0.0.2:2101"], 1);
/// let feed = (cluster.index() == 0).then(|| tcp::lines("127.0.0.1:9999"));
/// fn is_source(_: impl Source<String>) {}
/// is_source(feed);
/// ```
impl<T: Send + 'static, S: Source<T>> Source<T> for Option<S> {
    const PACED: bool = S::PACED;
    const DRAINS: bool = S::DRAINS;
    const MAY_BLOCK: bool = S::MAY_BLOCK;
    const ACCEPTS: bool = S::ACCEPTS;
    const RECOVERY: Recovery = S::RECOVERY;

    fn origin(&self) -> Option<Origin> {
        self.as_ref().and_then(S::origin)
    }

    fn properties(&self) -> SourceProperties {
        self.as_ref().map_or(SourceProperties::of::<T, Self>(), S::properties)
    }

    async fn run(self, out: SourceContext<T>) -> Result<(), ConnectorError> {
        match self {
            Some(source) => source.run(out).await,
            None => Ok(()),
        }
    }
}
