//! What a stream holds of its past: the third parameter of [`Stream`](crate::Stream).
//!
//! Each kind holds its records as timely streams of its own shape, [`StreamKind::Held`]. Stateless operators commute with windows and
//! with differences, so one chain serves all kinds.
//!
//! Invariant: the contents and the changes of a [`Table`] agree: the sum of the changes up to a batch equals the contents that it delivers.
//! An operator sends only what is read, see [`Wants`].

use std::{cell::Cell, rc::Rc, time::Duration};

use differential_dataflow::VecCollection;
use timely::{dataflow::StreamVec, progress::Timestamp};

use crate::{
    ids::{Epoch, OpId},
    operators::kernel::copies::Copies,
    record::Record,
    stream::chain::Chain,
};

/// What a stream holds of its past.
///
/// | kind | a batch of it | made by |
/// |---|---|---|
/// | [`PerBatch`] | what is new in it | sources, operators on batches |
/// | [`Windowed`] | what arrived in the window, at each slide | [`window`](crate::Stream::window) |
/// | [`Table`] | the whole contents that an operator keeps up to date; [`changes`](crate::Stream::changes) has the differences | operators on windows and tables |
/// | [`UnboundedTable`] | as `Table`, but it can grow without bound, and cannot go to a sink before it is bounded | `update_state`, `reduce_by_key_with_inverse` |
/// | [`UnboundedWindow`] | everything that ever arrived; the same | [`history`](crate::Stream::history) |
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no kind of stream",
    label = "the third parameter of `Stream` says what the stream holds of its past",
    note = "a function for every kind of stream says `{Self}: StreamKind`"
)]
pub trait StreamKind: Sized + 'static {
    #[doc(hidden)]
    type Held<'s, In: 'static>;
    #[doc(hidden)]
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In>;
    /// Gives the chain operators of its own.
    #[doc(hidden)]
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out>;
    /// Notes that no differences of equal records are left that cancel out.
    #[doc(hidden)]
    fn settled<'s, In: 'static>(held: Self::Held<'s, In>) -> Self::Held<'s, In> {
        held
    }
}

/// A stream that holds the records of one batch and forgets them with it.
#[derive(Debug)]
pub enum PerBatch {}

/// A stream that holds the records of a window: of the last batches.
#[derive(Debug)]
pub enum Windowed {}

/// A stream whose contents an operator keeps up to date. It delivers all of them, or by `.changes()` what changed.
#[derive(Debug)]
pub enum Table {}

/// As [`Table`], but the state can grow without bound: it cannot be used before `.expire_after(..)` or `.allow_unbounded("why")`.
#[derive(Debug)]
pub enum UnboundedTable {}

/// Everything that ever arrived. It cannot be used before `.allow_unbounded("why")`.
#[derive(Debug)]
pub enum UnboundedWindow {}

impl StreamKind for PerBatch {
    type Held<'s, In: 'static> = StreamVec<'s, Epoch, In>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In> {
        held.clone()
    }
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out> {
        chain.realise(held, id)
    }
}

impl StreamKind for UnboundedWindow {
    type Held<'s, In: 'static> = StreamVec<'s, Epoch, In>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In> {
        held.clone()
    }
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out> {
        chain.realise(held, id)
    }
}

/// The batches of a window as they arrive, and its size.
#[doc(hidden)]
pub struct Panes<'s, In: 'static> {
    pub(crate) batches: StreamVec<'s, Epoch, In>,
    /// `None`: the window begins with the job.
    pub(crate) size: Option<Duration>,
}

impl StreamKind for Windowed {
    type Held<'s, In: 'static> = Panes<'s, In>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In> {
        Panes { batches: held.batches.clone(), size: held.size }
    }
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out> {
        Panes { batches: chain.realise(held.batches, id), size: held.size }
    }
}

/// Which forms of a kept stream have a reader. An operator looks when it runs: while a pipeline is put together
/// nobody knows what will read it.
#[derive(Default)]
pub(crate) struct Wants {
    contents: Cell<bool>,
    changes: Cell<bool>,
    /// Those of the streams that this one is made of.
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

impl StreamKind for Table {
    type Held<'s, In: 'static> = Relation<'s, In>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In> {
        held.clone()
    }
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out> {
        let (contents, changes) = chain.realise_both(held.contents, held.changes, id);
        Relation { contents, changes, wants: held.wants }
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

/// How long an idle key is kept, once that is known.
pub(crate) type Idle = Rc<Cell<Option<Duration>>>;

/// A table whose operator does not know yet how long it keeps a key.
#[doc(hidden)]
pub struct Unbounded<'s, In: 'static> {
    pub(crate) relation: Relation<'s, In>,
    pub(crate) idle: Idle,
}

impl StreamKind for UnboundedTable {
    type Held<'s, In: 'static> = Unbounded<'s, In>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In> {
        Unbounded { relation: held.relation.clone(), idle: held.idle.clone() }
    }
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out> {
        Unbounded { relation: Table::realise(held.relation, chain, id), idle: held.idle }
    }
}
