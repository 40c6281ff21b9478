//! Chains of stateless operators, fused by type.

use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use differential_dataflow::AsCollection;
use timely::{
    dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator},
    progress::Timestamp,
};

use crate::{
    ids::{Epoch, OpId},
    observe::operator_stats::OperatorStats,
    panic_origin::named,
    stream::{borrowed::Reader, held::Updates},
};

/// What a chain begins with. This holds whatever the chain's closures are: a stream with a closure of a wrong
/// type in it is still a stream to the compiler, which has reported the error at that closure.
#[doc(hidden)]
pub trait Rooted: 'static {
    type In: 'static;
}

/// A chain of stateless operators, from the records of its root to those of the stream.
#[doc(hidden)]
pub trait Chain: Rooted {
    type Out: 'static;
    /// Whether the records are those of the root.
    const IS_EMPTY: bool = false;
    /// Applies the chain to a record and sends the results to `out`.
    fn push(&mut self, record: Self::In, out: &mut impl FnMut(Self::Out));

    /// As [`push`](Chain::push), to a reader that can do with borrowed keys. Few chains have any.
    #[inline]
    fn lend(&mut self, record: Self::In, reader: &mut impl Reader<Self::Out>) {
        self.push(record, &mut |record| reader.own(record))
    }

    /// Applies the chain to `records` and adds the results to `gathered`.
    fn gather(&mut self, records: &mut Vec<Self::In>, gathered: &mut Vec<Self::Out>) {
        for record in records.drain(..) {
            self.push(record, &mut |record| gathered.push(record));
        }
    }

    /// Gives the chain an operator of its own.
    fn realise<'s>(
        mut self,
        root: StreamVec<'s, Epoch, Self::In>,
        id: OpId,
    ) -> StreamVec<'s, Epoch, Self::Out>
    where
        Self: Sized,
        Self::Out: Clone,
    {
        root.unary(Pipeline, id.0, move |_, _| {
            let gauge = OperatorStats::of(id);
            move |input, output| {
                let _runs = gauge.runs();
                named(id, || {
                    input.for_each(|time, records| {
                        let mut session = output.session(&time);
                        for record in records.drain(..) {
                            self.push(record, &mut |out| session.give(out));
                        }
                    });
                });
            }
        })
    }

    /// Gives the chain an operator on the updates of a loop.
    fn realise_updates<'s, M: Timestamp>(
        mut self,
        updates: Updates<'s, M, Self::In>,
        id: OpId,
    ) -> Updates<'s, M, Self::Out>
    where
        Self: Sized,
        Self::Out: Clone,
    {
        let made = updates.collection.inner.unary(Pipeline, id.0, move |_, _| {
            let gauge = OperatorStats::of(id);
            move |input, output| {
                let _runs = gauge.runs();
                named(id, || {
                    input.for_each(|time, updates| {
                        let mut session = output.session(&time);
                        for (record, at, times) in updates.drain(..) {
                            self.push(record, &mut |record| session.give((record, at.clone(), times)));
                        }
                    });
                });
            }
        });
        Updates { collection: made.as_collection(), settled: false }
    }

    /// Gives the chain an operator for the changes of contents.
    fn realise_changes<'s>(
        self,
        changes: StreamVec<'s, Epoch, (Self::In, i64)>,
        id: OpId,
    ) -> StreamVec<'s, Epoch, (Self::Out, i64)>
    where
        Self: Sized,
        Self::Out: Clone,
    {
        Signed(self).realise(changes, id)
    }

    /// Gives the chain an operator for whole contents and one for their changes.
    fn realise_both<'s>(
        self,
        contents: StreamVec<'s, Epoch, Self::In>,
        changes: StreamVec<'s, Epoch, (Self::In, i64)>,
        id: OpId,
    ) -> Both<'s, Self>
    where
        Self: Sized,
        Self::Out: Clone,
    {
        let chain = Rc::new(RefCell::new(self));
        (Shared(chain.clone()).realise(contents, id), Signed(Shared(chain)).realise(changes, id))
    }
}

/// A chain with the records that it leads to, and their differences.
type Both<'s, C> = (StreamVec<'s, Epoch, <C as Chain>::Out>, StreamVec<'s, Epoch, (<C as Chain>::Out, i64)>);

/// A chain on differences: they keep their sign.
#[doc(hidden)]
pub struct Signed<C>(pub(crate) C);

impl<C: Rooted> Rooted for Signed<C> {
    type In = (C::In, i64);
}

impl<C: Chain> Chain for Signed<C> {
    type Out = (C::Out, i64);
    #[inline]
    fn push(&mut self, (record, times): (C::In, i64), out: &mut impl FnMut((C::Out, i64))) {
        self.0.push(record, &mut |record| out((record, times)))
    }
}

/// A chain that several operators share.
struct Shared<C>(Rc<RefCell<C>>);

impl<C: Rooted> Rooted for Shared<C> {
    type In = C::In;
}

impl<C: Chain> Chain for Shared<C> {
    type Out = C::Out;
    fn push(&mut self, record: C::In, out: &mut impl FnMut(C::Out)) {
        self.0.borrow_mut().push(record, out)
    }
}

/// The empty chain: the records are there.
#[doc(hidden)]
pub struct Ready<T>(PhantomData<fn(T)>);

impl<T> Ready<T> {
    pub(crate) fn new() -> Self {
        Ready(PhantomData)
    }
}

impl<T: 'static> Rooted for Ready<T> {
    type In = T;
}

impl<T: 'static> Chain for Ready<T> {
    type Out = T;
    const IS_EMPTY: bool = true;
    #[inline(always)]
    fn push(&mut self, record: T, out: &mut impl FnMut(T)) {
        out(record)
    }
    fn gather(&mut self, records: &mut Vec<T>, gathered: &mut Vec<T>) {
        if gathered.is_empty() {
            std::mem::swap(records, gathered);
        } else {
            gathered.append(records);
        }
    }
    fn realise<'s>(self, root: StreamVec<'s, Epoch, T>, _: OpId) -> StreamVec<'s, Epoch, T> {
        root
    }
    fn realise_updates<'s, M: Timestamp>(self, updates: Updates<'s, M, T>, _: OpId) -> Updates<'s, M, T> {
        updates
    }
    fn realise_changes<'s>(
        self,
        changes: StreamVec<'s, Epoch, (T, i64)>,
        _: OpId,
    ) -> StreamVec<'s, Epoch, (T, i64)> {
        changes
    }
    fn realise_both<'s>(
        self,
        contents: StreamVec<'s, Epoch, T>,
        changes: StreamVec<'s, Epoch, (T, i64)>,
        _: OpId,
    ) -> Both<'s, Self> {
        (contents, changes)
    }
}
