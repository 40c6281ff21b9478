//! The sinks of views.

use std::{
    hash::Hash,
    sync::{Arc, atomic::Ordering},
};

use tokio::sync::{broadcast, watch};

use crate::{
    connectors::{
        blocking::blocking,
        view::{
            Change, View, ViewState,
            net::{
                NetProblem, net, {self},
            },
            snapshot::{Changed, Snapshot},
        },
    },
    contract::{
        delivery::Delivery,
        error::ConnectorError,
        sink::{Batch, Sink},
    },
    time::BatchTime,
};

/// Records that are worked through where the sink runs, some milliseconds at most; more go to a thread for such work.
const INLINE: usize = 8192;

/// Batches that a subscriber may lag behind unless told otherwise.
const BACKLOG: usize = 256;

/// The sink of [`view()`](super::view()).
#[derive(Debug)]
pub struct ViewSink<K, V> {
    writer: ViewWriter<K, V>,
}

/// The sink of [`view_of_changes`](super::view_of_changes).
#[derive(Debug)]
pub struct ChangesSink<K, V> {
    writer: ViewWriter<K, V>,
    /// What the last batch changed in what is shown: the hidden side lacks it.
    behind: Arc<Changed<K, V>>,
    /// Whether a write was interrupted half-way, as by a timeout: the hidden side may be inconsistent.
    is_torn: bool,
}

pub(super) fn whole<K, V>() -> (ViewSink<K, V>, View<K, V>) {
    let (writer, view) = ViewWriter::new();
    (ViewSink { writer }, view)
}

pub(super) fn of_changes<K, V>() -> (ChangesSink<K, V>, View<K, V>) {
    let (writer, view) = ViewWriter::new();
    (ChangesSink { writer, behind: Arc::new([]), is_torn: false }, view)
}

macro_rules! backlog {
    ($sink:ident) => {
        impl<K, V> $sink<K, V> {
            /// Batches with changes that a subscriber may lag behind before it gets
            /// [`Lagged`](super::Lagged): 256 by default, at least 1, at most 1,048,576, rounded up to a power of
            /// two. They are kept until every subscriber has read them.
            pub fn backlog(self, batches: usize) -> Self {
                self.writer.shared.open_feed(batches);
                self
            }
        }
    };
}

backlog!(ViewSink);
backlog!(ChangesSink);

impl<K, V> Sink<(K, V)> for ViewSink<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + PartialEq + Send + Sync + 'static,
{
    const MAY_BLOCK: bool = false;
    const SHOWS_LAST: bool = true;
    // A batch takes the place of all before it.
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, Batch { time, records }: Batch<(K, V)>) -> Result<(), ConnectorError> {
        let shared = &self.writer.shared;
        let work = records.len() + shared.sides.read_both(|_, hidden| hidden.len());
        let replaced = self.writer.change_hidden(work, move |side| {
            side.time = Some(time);
            side.values.clear();
            let mut keys = records.into_iter();
            keys.all(|(key, value)| side.values.insert(key, value).is_none())
        });
        if !replaced.await? {
            return Err(not_unique(time, net::SEVERAL));
        }
        self.writer.show(time);
        // Only now, because later subscribers find this batch in their snapshot. And without an await in between: if this write were
        // interrupted between the two, subscribers would miss the batch.
        if shared.is_subscribed() {
            let changed = shared.sides.read_both(|now, before| now.changes_since(before));
            self.writer.tell(time, changed.into());
        }
        Ok(())
    }
}

impl<K, V> Sink<((K, V), i64)> for ChangesSink<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + PartialEq + Send + Sync + 'static,
{
    const REBUILDS: bool = true;

    // It ends with the process, and the next view gets everything: no batch can come to it twice.
    const MAY_BLOCK: bool = false;
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, Batch { time, records }: Batch<((K, V), i64)>) -> Result<(), ConnectorError> {
        let (shared, behind) = (self.writer.shared.clone(), self.behind.clone());
        let is_torn = std::mem::replace(&mut self.is_torn, true);
        let work = if is_torn { usize::MAX } else { records.len() + behind.len() };
        let changed = self.writer.change_hidden(work, move |side| {
            match is_torn {
                true => shared.sides.read(|shown| side.clone_from(shown)),
                false => side.apply(time, &behind),
            }
            let changed = net(records, &side.values)?;
            side.apply(time, &changed);
            Ok(changed.into())
        });
        let changed: Result<_, NetProblem> = changed.await?;
        self.is_torn = false;
        self.behind = changed.map_err(|problem| not_unique(time, problem))?;
        self.writer.show(time);
        self.writer.tell(time, self.behind.clone());
        Ok(())
    }
}

fn not_unique(time: BatchTime, problem: NetProblem) -> ConnectorError {
    ConnectorError::NotUnique { what: format!("view: the batch at {time} {problem}") }
}

/// The only writer of a view. When it is dropped, the view stays as it is and its subscriptions end.
#[derive(Debug)]
struct ViewWriter<K, V> {
    shared: Arc<ViewState<K, V>>,
    shown: watch::Sender<Option<BatchTime>>,
}

impl<K, V> ViewWriter<K, V> {
    fn new() -> (Self, View<K, V>) {
        let shared = Arc::new(ViewState::default());
        shared.open_feed(BACKLOG);
        let shown = watch::Sender::new(None);
        let view = View { shared: shared.clone(), shown: shown.subscribe() };
        (ViewWriter { shared, shown }, view)
    }

    fn show(&self, time: BatchTime) {
        self.shared.sides.swap();
        self.shown.send_replace(Some(time));
    }

    fn tell(&self, time: BatchTime, keys: Arc<Changed<K, V>>) {
        if !keys.is_empty()
            && let Some(feed) = &*self.shared.feed()
        {
            // There may be no subscriber.
            let _ = feed.send(Change { time, keys });
        }
    }
}

impl<K: Send + Sync + 'static, V: Send + Sync + 'static> ViewWriter<K, V> {
    /// Changes the hidden side, which is work on so many records, where that keeps up nothing else for long.
    async fn change_hidden<R: Send + 'static>(
        &self,
        records: usize,
        change: impl FnOnce(&mut Snapshot<K, V>) -> R + Send + 'static,
    ) -> Result<R, ConnectorError> {
        let shared = self.shared.clone();
        let is_short = records <= INLINE && shared.sides.is_free();
        let attempt = shared.attempts.fetch_add(1, Ordering::AcqRel) + 1;
        let work = move || {
            // Work of an interrupted write may still run; it must not finish after the next attempt.
            let is_last = || shared.attempts.load(Ordering::Acquire) == attempt;
            shared.sides.change_hidden(|side| is_last().then(|| change(side)))
        };
        let done = if is_short { work() } else { blocking(work).await? };
        Ok(done.expect("who waits for it has not tried again"))
    }
}

impl<K, V> Drop for ViewWriter<K, V> {
    fn drop(&mut self) {
        self.shared.close_feed();
    }
}

impl<K, V> ViewState<K, V> {
    fn open_feed(&self, batches: usize) {
        *self.feed() = Some(broadcast::Sender::new(batches.clamp(1, 1 << 20)));
    }

    fn close_feed(&self) {
        self.feed().take();
    }

    fn is_subscribed(&self) -> bool {
        self.feed().as_ref().is_some_and(|feed| feed.receiver_count() > 0)
    }
}
