//! The one stream type, what it is made of, and how a batch is known to its operators.
//!
//! A stream is a root, the output of a timely operator, and a chain of stateless operators on it that have
//! not been given an operator of their own yet. The chain's type is spelled out in `C`, so that the compiler
//! fuses it into whatever reads it: five `map`s cost what one closure costs. `stream!` writes `share()` where
//! a chain must become real: where a stream is read twice or leaves for code that it does not know.
//!
//! Invariant: a closure of a chain sees each record of the stream exactly once, whoever reads the stream. Of a stream
//! that is kept up to date it sees what is read: each record whenever the whole is delivered, and each change.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    hash::Hash,
    marker::PhantomData,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use differential_dataflow::AsCollection;
use timely::{
    dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator},
    progress::Timestamp,
};

use crate::{
    blame::named,
    gauge::Gauge,
    ledger::Ledger,
    op::Reader,
    outbox::Outbox,
    owners::Owners,
    past::{Past, PerBatch, Updates},
    record::Record,
    rhythm::Rhythm,
    skipped::Skipped,
    time::BatchTime,
    timeline::{Follows, Timeline},
};

/// The running number of a batch in its job. Batches closed early are named by a time that nobody knows
/// while their records flow; a number is known, and [`Times`] holds the time by when the batch closes.
pub(crate) type Epoch = u64;

/// Names an operator across rebuilds: `pipeline/binding/operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpId(pub &'static str);

/// What a chain begins with. This holds whatever the chain's closures are: a stream with a closure of a wrong
/// type in it is still a stream to the compiler, which has said what there is to say at that closure.
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
    /// Sends what becomes of one record to `out`.
    fn push(&mut self, record: Self::In, out: &mut impl FnMut(Self::Out));

    /// As [`push`](Chain::push), to a reader that can do with borrowed keys. Few chains have any.
    #[inline]
    fn lend(&mut self, record: Self::In, reader: &mut impl Reader<Self::Out>) {
        self.push(record, &mut |record| reader.own(record))
    }

    /// Adds what becomes of `records` to `gathered`.
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
            let gauge = Gauge::of(id);
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
            let gauge = Gauge::of(id);
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

/// A chain with several places.
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

/// A stream of records `T` in a pipeline under construction.
///
/// `P` says what the stream holds of its past, see [`Past`]: [`PerBatch`] is the records of each batch. The fourth
/// parameter is the engine's; write `Stream<'s, T>` in helper functions and extension traits.
///
/// ```
/// use streaming_runtime::prelude::*;
///
/// /// A helper of one's own: any function from streams to streams.
/// fn long<'s>(words: Stream<'s, String>, than: usize) -> Stream<'s, String> {
///     words.filter(move |word| word.len() > than).share()
/// }
///
/// stream!(
///     #[batch(secs(1))]
///     fn long_words<words: Source<String>, out: Sink<String>>(than: usize) {
///         long(words, than).to(out);
///     }
/// );
/// # fn main() {}
/// ```
///
/// A function that keeps state is better a [`stage!`](crate::stage!), whose operators have names of their own.
#[must_use = "a stream does nothing until it is sent on with `.to(sink)`"]
pub struct Stream<'s, T: 'static, P: Past = PerBatch, C: Rooted = Ready<T>> {
    pub(crate) held: P::Held<'s, C::In>,
    pub(crate) chain: C,
    pub(crate) id: OpId,
    pub(crate) job: Rc<JobContext>,
    /// When it has something new.
    pub(crate) rhythm: Rhythm,
    types: PhantomData<fn() -> T>,
}

impl<'s, T: Record, P: Past, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Names the operator that the next call makes. `stream!` writes it.
    #[doc(hidden)]
    pub fn at(mut self, id: OpId) -> Self {
        self.job.reads(self.id);
        self.id = id;
        self
    }

    /// Names the call that the stream is given to: of a function or a method of the user's. `stream!` writes it.
    #[doc(hidden)]
    pub fn call(self, id: OpId) -> Stream<'s, T, P> {
        let mut shared = self.share();
        shared.id = id;
        shared
    }

    /// Gives the chain of stateless operators so far an operator of its own, so that the stream can be read
    /// more than once or named as a plain `Stream<'s, T>`. `stream!` writes it where it is needed; helper
    /// functions and extension traits write it before they return.
    pub fn share(self) -> Stream<'s, T, P> {
        let Stream { held, chain, id, job, rhythm, .. } = self;
        job.reads(id);
        Stream::new(P::realise(held, chain, id), id, job, rhythm)
    }
}

impl<'s, T: 'static, P: Past, C: Rooted> Stream<'s, T, P, C> {
    /// The same root under a longer chain.
    pub(crate) fn extend<U: 'static, D>(self, longer: impl FnOnce(OpId, C) -> D) -> Stream<'s, U, P, D>
    where
        D: Rooted<In = C::In>,
    {
        let Stream { held, chain, id, job, rhythm, .. } = self;
        Stream { held, chain: longer(id, chain), id, job, rhythm, types: PhantomData }
    }

    pub(crate) fn with(
        held: P::Held<'s, C::In>,
        chain: C,
        id: OpId,
        job: Rc<JobContext>,
        rhythm: Rhythm,
    ) -> Self {
        Stream { held, chain, id, job, rhythm, types: PhantomData }
    }

    /// The same chain on another root.
    pub(crate) fn on<Q: Past>(
        self,
        held: impl FnOnce(P::Held<'s, C::In>) -> Q::Held<'s, C::In>,
    ) -> Stream<'s, T, Q, C> {
        let Stream { held: old, chain, id, job, rhythm, .. } = self;
        Stream { held: held(old), chain, id, job, rhythm, types: PhantomData }
    }
}

impl<'s, T: 'static, P: Past> Stream<'s, T, P> {
    pub(crate) fn new(held: P::Held<'s, T>, id: OpId, job: Rc<JobContext>, rhythm: Rhythm) -> Self {
        Self::with(held, Ready::new(), id, job, rhythm)
    }
}

impl<'s, T: Record, P: Past> Stream<'s, T, P> {
    /// One more reader of the same stream. `stream!` writes it.
    #[doc(hidden)]
    pub fn again(&self) -> Self {
        self.job.reads(self.id);
        Stream::new(P::again(&self.held), self.id, self.job.clone(), self.rhythm.clone())
    }
}

/// What takes over after an operator that was reported: its stream has no chain or no record, so the methods
/// above are not its own. `stream!` calls one of them before each operator and has this trait in scope; whatever
/// follows then has a type that nobody knows, of which the compiler says nothing once it has said something.
#[doc(hidden)]
pub trait Reported: Sized {
    #[doc(hidden)]
    fn at<S>(self, _: OpId) -> S {
        unreachable!("a program with a reported operator does not compile")
    }
    #[doc(hidden)]
    fn call<S>(self, _: OpId) -> S {
        unreachable!("a program with a reported operator does not compile")
    }
    #[doc(hidden)]
    fn share<S>(self) -> S {
        unreachable!("a program with a reported operator does not compile")
    }
    #[doc(hidden)]
    fn again<S>(&self) -> S {
        unreachable!("a program with a reported operator does not compile")
    }
    #[doc(hidden)]
    fn enter<I, S>(self, _: I) -> S {
        unreachable!("a program with a reported operator does not compile")
    }
}
impl<T, P: Past, C: Rooted> Reported for Stream<'_, T, P, C> {}

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
    pub(crate) skipped: Arc<Skipped>,
    pub(crate) outbox: Outbox,
    pub(crate) ledger: Rc<Ledger>,
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
        // What a window had then is said as of its last slide, whenever that was.
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
