//! The changes of a view, batch by batch.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{
    Stream, StreamExt,
    stream::{
        BoxStream, {self},
    },
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::time::BatchTime;

/// What a batch changed in a view.
#[derive(Debug)]
#[non_exhaustive]
pub struct Change<K, V> {
    /// The batch.
    pub time: BatchTime,
    /// Each key that changed, once, with its value as of this batch; `None` if it is gone. In no order.
    pub keys: Arc<[(K, Option<V>)]>,
}

impl<K, V> Clone for Change<K, V> {
    fn clone(&self) -> Self {
        Change { time: self.time, keys: self.keys.clone() }
    }
}

/// A subscriber fell behind by more than its bound, so changes are missing. It can subscribe again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber is too slow: the changes of {batches} batches are lost to it; subscribe anew")]
pub struct Lagged {
    /// Batches whose changes were not read in time.
    pub batches: u64,
}

impl Lagged {
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        "view.lagged"
    }
}

/// The changes of a view after the snapshot that came with them, batch by batch, as a [`Stream`]. See
/// [`View::subscribe`](super::View::subscribe).
pub struct Changes<K, V> {
    items: BoxStream<'static, Result<Change<K, V>, Lagged>>,
}

impl<K: Send + Sync + 'static, V: Send + Sync + 'static> Changes<K, V> {
    /// The changes of `feed` in batches after `since`; none without a feed.
    pub(super) fn new(feed: Option<Receiver<Change<K, V>>>, since: Option<BatchTime>) -> Self {
        let items = stream::unfold(feed, move |feed| async move {
            let mut feed = feed?;
            loop {
                match feed.recv().await {
                    Ok(change) if Some(change.time) <= since => {}
                    Ok(change) => return Some((Ok(change), Some(feed))),
                    Err(RecvError::Lagged(batches)) => return Some((Err(Lagged { batches }), None)),
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        Changes { items: items.fuse().boxed() }
    }
}

impl<K, V> Changes<K, V> {
    /// Waits for the next batch that changed something; `None` when the job has ended.
    ///
    /// # Errors
    /// [`Lagged`] when this subscriber was too slow; nothing comes after it.
    pub async fn recv(&mut self) -> Option<Result<Change<K, V>, Lagged>> {
        self.items.next().await
    }
}

impl<K, V> Stream for Changes<K, V> {
    type Item = Result<Change<K, V>, Lagged>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(cx)
    }
}

impl<K, V> fmt::Debug for Changes<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}
