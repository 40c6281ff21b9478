//! What the operators of one worker share.

use crate::ids::{Epoch, OpId};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    hash::Hash,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use crate::{
    checkpoint::state_log::StateLog,
    delivery::pending_output::PendingOutput,
    observe::skip_counters::SkipCounters,
    partitioner::Owners,
    stream::{
        rhythm::Rhythm,
        timeline::{Follows, Timeline},
    },
    time::BatchTime,
};

/// What the operators of one worker share.
pub(crate) struct JobContext {
    pub(crate) times: Times,
    /// This worker's place in its process, and among all workers of the job.
    pub(crate) seat: usize,
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
    pub(crate) skipped: Arc<SkipCounters>,
    pub(crate) outbox: PendingOutput,
    pub(crate) ledger: Rc<StateLog>,
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

    /// Whether a batch that has closed renews what has this rhythm. In the batch that is the past, everything says what it
    /// has.
    pub(crate) fn is_due(&self, epoch: Epoch, rhythm: &Rhythm) -> bool {
        self.ledger.is_past(epoch) || rhythm.is_due(self.times.of(epoch), self.times.follows(epoch))
    }

    /// Whether a batch that has closed is one at the end, for windows only.
    pub(crate) fn is_ending(&self, epoch: Epoch) -> bool {
        !self.times.follows(epoch).is_regular()
    }

    /// When what has this rhythm was renewed last, as of the batch that the job goes on from.
    pub(crate) fn last_due(&self, as_of: BatchTime, rhythm: &Rhythm) -> BatchTime {
        rhythm.last(as_of, &self.times.before.borrow())
    }

    /// Windows slide by this.
    pub(crate) fn slides_by(&self, slide: Duration) {
        self.slides.borrow_mut().insert(slide);
    }
}

/// The times of the batches that closed lately, written by the worker before it closes its inputs.
#[derive(Default)]
pub(crate) struct Times {
    known: RefCell<VecDeque<(Epoch, BatchTime)>>,
    /// Of those, the ones that do not follow closely on the one before.
    jumps: RefCell<VecDeque<(Epoch, Follows)>>,
    /// What there was before the job was started.
    before: RefCell<Timeline>,
}

impl Times {
    /// Times kept. More batches than this are never in flight.
    const KEPT: usize = 4096;

    pub(crate) fn set(&self, epoch: Epoch, time: BatchTime, follows: Follows) {
        let mut times = self.known.borrow_mut();
        if times.len() == Self::KEPT {
            times.pop_front();
        }
        times.push_back((epoch, time));
        let mut jumps = self.jumps.borrow_mut();
        if follows != Follows::Closely {
            jumps.push_back((epoch, follows));
        }
        let &(oldest, _) = times.front().expect("one was just put there");
        while jumps.pop_front_if(|(epoch, _)| *epoch < oldest).is_some() {}
    }

    /// Goes on behind the batch of time `last`, which is number 0.
    pub(crate) fn go_on(&self, last: BatchTime, before: Timeline) {
        // The contents of a window are as of its last slide, whenever that was.
        self.set(0, last, Follows::Closely);
        *self.before.borrow_mut() = before;
    }

    /// How a batch that has closed follows the one before it.
    fn follows(&self, epoch: Epoch) -> Follows {
        let jumps = self.jumps.borrow();
        // Nearly always there is none.
        let jump = jumps.iter().rev().find(|(at, _)| *at == epoch);
        jump.map_or(Follows::Closely, |(_, follows)| *follows)
    }

    /// The time of a batch that has closed.
    pub(crate) fn of(&self, epoch: Epoch) -> BatchTime {
        let times = self.known.borrow();
        let (first, _) = times.front().expect("an operator asks only for batches that closed");
        times[(epoch - first) as usize].1
    }
}
