//! How a stream is cut into windows, and what outlives its panes.

use std::time::Duration;

use crate::{
    stream::held::Idle,
    time::{BatchTime, nanos},
    timeline::rhythm::common,
};

/// How a stream is cut into windows.
#[derive(Clone, Copy)]
pub(crate) struct WindowSpec {
    /// `None`: nothing ever leaves.
    pub(crate) size: Option<Duration>,
    pub(crate) slide: Duration,
    /// Windows begin and end at multiples of this.
    pane: Duration,
}

impl WindowSpec {
    /// Panes as long as windows of `size` at each multiple of `slide` allow.
    pub(crate) fn new(size: Option<Duration>, slide: Duration) -> Self {
        let pane = common(size.map_or(0, nanos), nanos(slide));
        WindowSpec { size, slide, pane: Duration::from_nanos(pane) }
    }

    /// The end of the pane of a batch.
    pub(crate) fn pane_of(self, time: BatchTime) -> BatchTime {
        time.at_or_next_multiple_of(self.pane)
    }

    /// Whether the pane that ended at `end` is in no window from `time` on.
    pub(crate) fn has_left(self, end: BatchTime, time: BatchTime) -> bool {
        self.size.is_some_and(|size| end + size <= time)
    }

    /// When the pane that ended at `end` is in no window any more and none that could change.
    pub(crate) fn until(self, end: BatchTime) -> Option<BatchTime> {
        self.size.map(|size| (end + size).at_or_next_multiple_of(self.slide))
    }

    /// Whether the pane that ends at `end` is in no window at all: it lies between two.
    pub(crate) fn is_between(self, end: BatchTime) -> bool {
        self.has_left(end, end.at_or_next_multiple_of(self.slide))
    }
}

pub(crate) type Filter<U> = Box<dyn Fn(&U) -> bool>;

/// What outlives its panes, and how long.
pub(crate) struct RetainedKeys<U> {
    /// Whether a key is shown; one that is not, and is in no pane, is forgotten.
    pub(crate) shown: Option<Filter<U>>,
    /// How long a key without new values is remembered.
    pub(crate) idle: Idle,
}
