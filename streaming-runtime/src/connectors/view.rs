//! Results of a pipeline as a table in memory that any thread reads: views.
//!
//! ```
//! use streaming_runtime::{ManualClock, connect::{queue, view_of_changes}, prelude::*};
//!
//! stream!(
//!     /// Sales by shop in the last minute.
//!     #[batch(secs(1))]
//!     fn sales<sold: Source<(u32, i64)>, totals: Sink<((u32, i64), i64)>>() {
//!         sold.window(minutes(1), secs(1)).reduce_by_key(|a, b| a + b).changes().to(totals);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (totals, by_shop) = view_of_changes();
//!     let clock = ManualClock::new(); // a test moves time
//!     let sold = queue(vec![vec![(7, 20), (8, 5)], vec![(7, 3)]]);
//!     let mut job = Engine::new().manual_clock(&clock).start(sales::Ports { sold, totals })?;
//!     clock.advance(secs(2));
//!     by_shop.wait_until(clock.now()).await?;
//!     assert_eq!(by_shop.get(&7), Some(23)); // from any thread, while the job runs and after it
//!     assert_eq!(by_shop.get(&9), None);
//!     job.join().await?;
//!     Ok(())
//! }
//! ```
//!
//! # What a view holds
//!
//! A view is **as of** one batch: it has everything that the stream delivered up to the batch at [`time`](View::time), and nothing
//! later. Each look-up sees one batch, and so does one call of [`read`](View::read), [`snapshot`](View::snapshot) or
//! [`range`](View::range); between two calls a later batch may come. A thread never sees an earlier batch after a later one.
//!
//! A batch counts as delivered only after the view shows it. So after a [`Receipt`](crate::connect::Receipt) or
//! [`Job::delivered`](crate::Job::delivered) has said that the batch at `t` is delivered, look-ups are as of `t` or later, if the
//! stream delivers each batch. A stream on a window delivers at its slides only: then [`wait_until`](View::wait_until) the receipt's
//! time waits for the slide that contains the record.
//!
//! # What it costs
//!
//! A look-up costs a hash and two atomic operations, and never waits. There are two copies of the table: the sink updates one while
//! the other is read, then they are swapped. So a view takes twice the memory of its keys and values, and each change is made twice.
//! The sink waits for readers of the old copy: a reader that takes long ([`read`](View::read) with a slow closure, a snapshot of
//! millions of keys) delays the batch after the next, and nothing else.
//!
//! [`view_of_changes()`] costs what changed. [`view()`] costs the whole contents at each batch; it is for streams that have no
//! changes, such as operators on batches.
//!
//! # After a crash
//!
//! A view is in memory. A job that goes on from a checkpoint fills it again with its first batch.

mod bound;
mod changes;
mod net;
mod sides;
mod sink;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    ops::RangeBounds,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use tokio::sync::{broadcast, watch};

pub use bound::KeyBound;
pub use changes::{Change, Changes, Lagged};
use sides::Sides;
pub use sink::{ChangesSink, ViewSink};
pub use snapshot::Snapshot;

use crate::time::BatchTime;

/// A sink of pairs, and a view of the last batch: each batch replaces the whole contents, so a key that is not in the next batch is
/// gone. See the [module](self) for what a view is.
///
/// Each batch costs its whole contents, and a comparison with the batch before while somebody is [subscribed](View::subscribe).
/// Where a stream has `.changes()`, [`view_of_changes`] costs less.
///
/// ```
/// use streaming_runtime::connect::{Batch, ConnectorError, Sink, view};
/// use streaming_runtime::BatchTime;
///
/// # async fn example() -> Result<(), ConnectorError> {
/// let (mut sink, users) = view::<&str, i64>();
/// let time = BatchTime::from_millis(1000);
/// sink.write(Batch { time, records: vec![("ada", 3), ("bob", 1)] }).await?; // the engine does this
/// assert_eq!(users.get("ada"), Some(3));
/// assert_eq!(users.get_with_time("eve"), (Some(time), None));
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(example()).expect("unique keys");
/// ```
///
/// # Errors
/// [`ConnectorError::NotUnique`](crate::connect::ConnectorError::NotUnique) at a batch that has a key twice: it ends the job,
/// and the view stays as of the batch before.
pub fn view<K, V>() -> (ViewSink<K, V>, View<K, V>) {
    sink::whole()
}

/// A sink for the `.changes()` of pairs, and a view of their sum. It costs what changed. See the [module](self) for what a view is.
///
/// The changes of a batch are applied together, in any order. After the batch each key must have one value or none.
///
/// ```
/// use streaming_runtime::connect::{Batch, ConnectorError, Sink, view_of_changes};
/// use streaming_runtime::BatchTime;
///
/// # async fn example() -> Result<(), ConnectorError> {
/// let (mut sink, users) = view_of_changes::<&str, i64>();
/// let mut write = async |millis, records| {
///     sink.write(Batch { time: BatchTime::from_millis(millis), records }).await // the engine does this
/// };
/// write(1000, vec![(("ada", 3), 1), (("bob", 1), 1)]).await?;
/// write(2000, vec![(("ada", 3), -1), (("ada", 4), 1), (("bob", 1), -1)]).await?;
/// assert_eq!(users.get("ada"), Some(4));
/// assert_eq!(users.len(), 1);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(example()).expect("unique keys");
/// ```
///
/// # Errors
/// [`ConnectorError::NotUnique`](crate::connect::ConnectorError::NotUnique) at a batch that leaves a key with two values or
/// takes back one that is not there: it ends the job, and the view stays as of the batch before.
pub fn view_of_changes<K, V>() -> (ChangesSink<K, V>, View<K, V>) {
    sink::of_changes()
}

/// A table that a job keeps up to date. Clones read the same; reading never waits. See the [module](self).
pub struct View<K, V> {
    shared: Arc<ViewState<K, V>>,
    shown: watch::Receiver<Option<BatchTime>>,
}

struct ViewState<K, V> {
    sides: Sides<Snapshot<K, V>>,
    /// How often it was tried to write a batch.
    attempts: AtomicU64,
    /// Where changes are told, until the job ends.
    feed: Mutex<Option<broadcast::Sender<Change<K, V>>>>,
}

impl<K, V> Default for ViewState<K, V> {
    fn default() -> Self {
        ViewState {
            sides: Sides::new(Snapshot::default(), Snapshot::default()),
            attempts: AtomicU64::new(0),
            feed: Mutex::default(),
        }
    }
}

impl<K, V> ViewState<K, V> {
    fn feed(&self) -> MutexGuard<'_, Option<broadcast::Sender<Change<K, V>>>> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> View<K, V> {
    /// Reads any number of keys as of one batch. `look` should be quick: while it runs, the batch after the next has to wait.
    ///
    /// ```
    /// # let (_sink, accounts) = streaming_runtime::connect::view::<u64, i64>();
    /// let (time, both) = accounts.read(|now| (now.time(), [now.get(&1).copied(), now.get(&2).copied()]));
    /// # assert_eq!((time, both), (None, [None, None]));
    /// ```
    pub fn read<R>(&self, look: impl FnOnce(&Snapshot<K, V>) -> R) -> R {
        self.shared.sides.read(look)
    }

    /// The time of the batch that the view shows; `None` before the first.
    pub fn time(&self) -> Option<BatchTime> {
        self.read(Snapshot::time)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.read(Snapshot::len)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.read(Snapshot::is_empty)
    }

    /// Waits until the view shows the batch at `time` or a later one.
    ///
    /// # Errors
    /// [`Ended`] when the job ends before.
    pub async fn wait_until(&self, time: BatchTime) -> Result<(), Ended> {
        let mut shown = self.shown.clone();
        shown.wait_for(|shown| *shown >= Some(time)).await.map(|_| ()).map_err(|_| Ended)
    }
}

impl<K: Eq + Hash, V> View<K, V> {
    /// A copy of the value of a key.
    pub fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        self.read(|now| now.get(key).cloned())
    }

    /// A copy of the value of a key, and the batch that this is as of.
    pub fn get_with_time<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> (Option<BatchTime>, Option<V>)
    where
        K: Borrow<Q>,
        V: Clone,
    {
        self.read(|now| (now.time(), now.get(key).cloned()))
    }

    /// Calls `look` with the value of a key, without a copy; `None` if there is no such key. As in [`read`](View::read), `look` should
    /// be quick.
    pub fn with<Q: ?Sized + Eq + Hash, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
    {
        self.read(|now| now.get(key).map(look))
    }
}

impl<K: Clone + Eq + Hash, V: Clone> View<K, V> {
    /// A copy of the whole.
    pub fn snapshot(&self) -> Snapshot<K, V> {
        self.read(Snapshot::clone)
    }

    /// Copies of the keys within `bounds` and their values, as of one batch, in order. It looks at every key, since a view is a hash
    /// table.
    ///
    /// ```
    /// # let (_sink, counts) = streaming_runtime::connect::view::<String, i64>();
    /// let from_a_to_c: Vec<(String, i64)> = counts.range("a".."d");
    /// # assert!(from_a_to_c.is_empty());
    /// ```
    pub fn range<Q, R>(&self, bounds: R) -> Vec<(K, V)>
    where
        Q: ?Sized + KeyBound<K>,
        K: Ord,
        R: RangeBounds<Q>,
    {
        let copy = |(key, value): (&K, &V)| (key.clone(), value.clone());
        self.read(|now| now.range(bounds).into_iter().map(copy).collect())
    }
}

impl<K, V> View<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A copy of the whole, and every change after it, without gap or overlap: the snapshot with the changes up to a batch
    /// [applied](Snapshot::apply) equals the view as of that batch. The changes end with the job.
    ///
    /// A subscriber may be 256 batches behind, or as many as the sink's `backlog` says. Then it gets [`Lagged`] and nothing more, and
    /// can subscribe again.
    ///
    /// ```
    /// # use streaming_runtime::connect::{View, view::Lagged};
    /// # async fn example(users: View<u64, i64>) -> Result<(), Lagged> {
    /// let (mut mine, mut changes) = users.subscribe();
    /// while let Some(change) = changes.recv().await {
    ///     let change = change?;
    ///     mine.apply(change.time, &change.keys);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn subscribe(&self) -> (Snapshot<K, V>, Changes<K, V>) {
        // In this order: changes that are shown after the snapshot was made go to this feed.
        let feed = self.shared.feed().as_ref().map(broadcast::Sender::subscribe);
        let snapshot = self.snapshot();
        let changes = Changes::new(feed, snapshot.time());
        (snapshot, changes)
    }
}

/// The job of a view has ended; the view no longer changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the job has ended before that batch: the view stays as it is")]
pub struct Ended;

impl Ended {
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        "view.ended"
    }
}

impl<K, V> Clone for View<K, V> {
    fn clone(&self) -> Self {
        View { shared: self.shared.clone(), shown: self.shown.clone() }
    }
}

impl<K, V> fmt::Debug for View<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|now| f.debug_struct("View").field("time", &now.time()).field("len", &now.len()).finish())
    }
}

impl<K, V> fmt::Debug for ViewState<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
