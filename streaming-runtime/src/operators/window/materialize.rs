//! The two forms in which what is kept is delivered: whole, or as changes.

use crate::{
    operators::window::window_records,
    record::Record,
    stream::{
        Stream,
        chain::{Chain, Ready},
        kind::{PerBatch, StreamKind, Table, Windowed},
    },
};

/// A stream that can be delivered whole: its state has a bound.
#[diagnostic::on_unimplemented(
    message = "the state of this stream can grow without bound",
    label = "nothing says how long it is kept",
    note = "say it before this operator: `.expire_after(minutes(30))`, or `.allow_unbounded(\"why\")` if it is meant to grow"
)]
pub trait Materialize: StreamKind {
    /// The chain that is left on the contents.
    #[doc(hidden)]
    type Left<C: Chain<Out: Record>>: Chain<Out = C::Out>;
    #[doc(hidden)]
    fn contents<'s, T: Record, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, Self::Left<C>>;
}

/// A stream of which it is kept what changed.
#[diagnostic::on_unimplemented(
    message = "this stream has no changes",
    label = "a stream of batches is new in each batch, and state without a bound cannot be delivered",
    note = "`.changes()` is for what is kept from batch to batch: put `.window(..)`, `.update_state(..)` or another operator with state before it, and say how long unbounded state is kept"
)]
pub trait Changing: Materialize {
    #[doc(hidden)]
    fn changes<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, (T, i64)>;
}

impl Materialize for PerBatch {
    type Left<C: Chain<Out: Record>> = C;
    fn contents<'s, T: Record, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, C> {
        stream
    }
}

impl Materialize for Table {
    type Left<C: Chain<Out: Record>> = C;
    fn contents<'s, T: Record, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, C> {
        let mut contents = stream.on(|relation| {
            relation.wants.want_contents();
            relation.contents
        });
        contents.rhythm = contents.rhythm.standing();
        contents
    }
}

impl Changing for Table {
    fn changes<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, (T, i64)> {
        let Stream { held, chain, id, job, rhythm, .. } = stream;
        held.wants.want_changes();
        Stream::new(chain.realise_changes(held.changes, id), id, job, rhythm.passing())
    }
}

impl Materialize for Windowed {
    type Left<C: Chain<Out: Record>> = Ready<C::Out>;
    fn contents<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, T, PerBatch> {
        Table::contents(window_records(stream))
    }
}

impl Changing for Windowed {
    fn changes<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, (T, i64)> {
        Table::changes(window_records(stream))
    }
}
