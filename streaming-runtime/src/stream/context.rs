//! What the operators of one worker share, and what they are told of a batch that has closed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    hash::Hash,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use crate::{
    checkpoint::state_log::StateLog,
    delivery::pending_output::PendingOutput,
    ids::{Epoch, OpId},
    observe::skip_counters::SkipCounters,
    partitioner::Owners,
    stream::times::Times,
    time::BatchTime,
    timeline::{Follows, rhythm::Rhythm},
};

/// What the operators of one worker share.
pub(crate) struct JobContext {
    pub(crate) times: Times,
    /// This worker's place in its process, and among all workers of the job.
    pub(crate) local_worker: usize,
    pub(crate) worker: usize,
    pub(crate) workers: usize,
    /// Which worker owns a key.
    pub(crate) owners: Owners,
    /// The batch interval.
    pub(crate) interval: Duration,
    /// Sinks that were built.
    pub(crate) sinks: Cell<usize>,
    /// Parts of closed batches that have not come to their sinks.
    pub(crate) awaited: Cell<usize>,
    pub(crate) skip_counters: Arc<SkipCounters>,
    pub(crate) pending_output: PendingOutput,
    pub(crate) state_log: Rc<StateLog>,
    /// Whether an operator depends on the order of the records of a batch.
    pub(crate) is_ordered: Cell<bool>,
    /// The sources that nothing has read so far, while the dataflow is put together.
    pub(crate) unread: RefCell<Vec<&'static str>>,
    /// By how much the windows slide.
    pub(crate) slides: RefCell<BTreeSet<Duration>>,
}

impl JobContext {
    /// Notes whether an operator depends on the order of the records of a batch.
    pub(crate) fn depends_on_order(&self, depends: bool) {
        self.is_ordered.update(|others| others || depends);
    }

    /// Notes that the stream of this id is read: it may be a source's.
    pub(crate) fn reads(&self, id: OpId) {
        self.unread.borrow_mut().retain(|source| *source != id.0);
    }

    /// Whether this worker owns a key.
    pub(crate) fn owns<K: Hash>(&self, key: &K) -> bool {
        self.owners.of(key) % self.workers as u64 == self.worker as u64
    }

    /// What operators are told of a batch that has closed.
    pub(crate) fn batch(&self, epoch: Epoch) -> BatchContext<'_> {
        BatchContext {
            epoch,
            time: self.times.of(epoch),
            is_restored: self.state_log.is_past(epoch),
            follows: self.times.follows(epoch),
            job: self,
        }
    }

    /// Windows slide by this.
    pub(crate) fn slides_by(&self, slide: Duration) {
        self.slides.borrow_mut().insert(slide);
    }
}

/// A batch that has closed. Every operator that works on batches gets one per batch, and has no other source of time. So
/// it decides by the batch, and not by when it runs. What decides by time joins it here, as a watermark.
#[derive(Clone, Copy)]
pub(crate) struct BatchContext<'a> {
    pub(crate) epoch: Epoch,
    pub(crate) time: BatchTime,
    /// Whether it is the first batch of a restored job, in which operators give what they kept.
    pub(crate) is_restored: bool,
    follows: Follows,
    pub(crate) job: &'a JobContext,
}

impl BatchContext<'_> {
    /// Whether it renews what has this rhythm. The batch of a restored job renews everything.
    pub(crate) fn is_due(self, rhythm: &Rhythm) -> bool {
        self.is_restored || rhythm.is_due(self.time, self.follows)
    }

    /// Whether it is one of those at the end, for windows only.
    pub(crate) fn is_ending(self) -> bool {
        !self.follows.is_regular()
    }

    /// When what has this rhythm was renewed last. To be asked of the batch of a restored job only.
    pub(crate) fn last_due(self, rhythm: &Rhythm) -> BatchTime {
        self.job.times.last_due(self.time, rhythm)
    }
}
