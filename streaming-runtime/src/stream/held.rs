//! The forms in which a stream holds its records, one for each kind.

use std::{cell::Cell, rc::Rc, time::Duration};

use differential_dataflow::VecCollection;
use timely::{dataflow::StreamVec, progress::Timestamp};

use crate::{ids::Epoch, stream::copies::Copies};

/// The batches of a window as they arrive, and its size.
#[doc(hidden)]
pub struct Panes<'s, In: 'static> {
    pub(crate) batches: StreamVec<'s, Epoch, In>,
    /// `None`: the window begins with the job.
    pub(crate) size: Option<Duration>,
}

/// Which forms of a kept stream have a reader. An operator looks when it runs: while a pipeline is put together
/// nobody knows what will read it.
#[derive(Default)]
pub(crate) struct Wants {
    contents: Cell<bool>,
    changes: Cell<bool>,
    /// Those whose streams this one is made of.
    of: Vec<Rc<Wants>>,
}

impl Wants {
    pub(crate) fn all(of: Vec<Rc<Wants>>) -> Rc<Self> {
        Rc::new(Wants { of, ..Wants::default() })
    }
    pub(crate) fn want_contents(&self) {
        self.contents.set(true);
        self.of.iter().for_each(|of| of.want_contents());
    }
    pub(crate) fn want_changes(&self) {
        self.changes.set(true);
        self.of.iter().for_each(|of| of.want_changes());
    }
    pub(crate) fn contents(&self) -> bool {
        self.contents.get()
    }
    pub(crate) fn changes(&self) -> bool {
        self.changes.get()
    }
}

/// Both forms of a kept stream.
#[doc(hidden)]
pub struct Relation<'s, In: 'static> {
    /// All of it, whenever it is due.
    pub(crate) contents: StreamVec<'s, Epoch, In>,
    /// What was added (+) and removed (-) since, and how often.
    pub(crate) changes: StreamVec<'s, Epoch, (In, i64)>,
    pub(crate) wants: Rc<Wants>,
}

impl<In: Clone + 'static> Clone for Relation<'_, In> {
    fn clone(&self) -> Self {
        let Relation { contents, changes, wants } = self;
        Relation { contents: contents.clone(), changes: changes.clone(), wants: wants.clone() }
    }
}

/// What is kept up to date by differential dataflow.
#[doc(hidden)]
pub struct Updates<'s, M: Timestamp, In: 'static> {
    pub(crate) collection: VecCollection<'s, M, In, Copies>,
    /// Whether differences of equal records at a time have been put together.
    pub(crate) settled: bool,
}

impl<M: Timestamp, In: Clone + 'static> Clone for Updates<'_, M, In> {
    fn clone(&self) -> Self {
        Updates { collection: self.collection.clone(), settled: self.settled }
    }
}

/// How long an idle key is kept. It is set by a later call, `expire_after`.
pub(crate) type Idle = Rc<Cell<Option<Duration>>>;

/// A kept stream whose operator has yet to hear how long it keeps a key.
#[doc(hidden)]
pub struct Unbounded<'s, In: 'static> {
    pub(crate) relation: Relation<'s, In>,
    pub(crate) idle: Idle,
}
