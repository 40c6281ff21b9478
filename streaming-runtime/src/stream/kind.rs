//! What a stream holds of its past: the third parameter of [`Stream`](crate::Stream).
//!
//! Each kind holds its records as timely streams of its own shape, [`Holding::Held`]. Stateless operators commute with windows and
//! with differences, so one chain serves all kinds.
//!
//! Invariant: the contents and the changes of a [`Table`] agree: the sum of the changes up to a batch equals the contents that it delivers.
//! An operator sends only what is read, see [`Wants`](super::held::Wants).

use timely::dataflow::StreamVec;

use crate::{
    ids::{Epoch, OpId},
    record::Record,
    stream::{
        chain::Chain,
        held::{Panes, Relation, Unbounded},
    },
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
pub trait StreamKind: Holding {}

impl StreamKind for PerBatch {}
impl StreamKind for Windowed {}
impl StreamKind for Table {}
impl StreamKind for UnboundedTable {}
impl StreamKind for UnboundedWindow {}

/// How a kind holds its records. It has no path outside of the crate, so the kinds here are all that there are, and programs see
/// no type of the dataflow.
pub trait Holding: Sized + 'static {
    type Held<'s, In: 'static>;
    fn again<'s, In: Clone + 'static>(held: &Self::Held<'s, In>) -> Self::Held<'s, In>;
    /// Gives the chain operators of its own.
    fn realise<'s, C: Chain<Out: Record>>(
        held: Self::Held<'s, C::In>,
        chain: C,
        id: OpId,
    ) -> Self::Held<'s, C::Out>;
    /// Notes that no differences of equal records are left that cancel out.
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

/// Declares kinds that hold their batches as they come, and nothing else.
macro_rules! kinds_of_batches {
    ($($kind:ty)*) => {$(
        impl Holding for $kind {
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
    )*};
}

kinds_of_batches! { PerBatch UnboundedWindow }

impl Holding for Windowed {
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

impl Holding for Table {
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

impl Holding for UnboundedTable {
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
