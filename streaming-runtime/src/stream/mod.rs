//! The stream type, what it consists of, and how operators know a batch.
//!
//! A stream is a root (the output of a timely operator) and a chain of stateless operators on it that have no operator of their own yet.
//! The type parameter `C` spells out the chain, so that the compiler fuses it into its reader: five `map`s cost what one closure costs.
//! `stream!` writes `share()` where a chain must become an operator: where a stream is read twice, or passed to other code.
//!
//! | file | what | imports |
//! |---|---|---|
//! | `copies` `borrowed` | how often a record is there; pairs with a borrowed key | |
//! | `held` | the forms in which a stream holds its records | `copies` |
//! | `chain` | chains of stateless operators | `held`, `borrowed` |
//! | `kind` | the kinds of streams | `chain`, `held` |
//! | `times` | when batches closed | |
//! | `context` | what a worker's operators share, and what they are told of a batch | `times` |
//! | `keyed` | pairs, as streams of them | the stream |
//! | `reported` | what follows a mistake, or is taken for a stream | the stream |
//!
//! Invariant: a closure of a chain sees each record of a stream exactly once, however many read the stream. On a table it sees what is
//! read: each record whenever the whole is delivered, and each change.

pub(crate) mod borrowed;
pub(crate) mod chain;
pub(crate) mod context;
pub(crate) mod copies;
pub(crate) mod held;
pub(crate) mod keyed;
pub(crate) mod kind;
pub(crate) mod reported;
pub(crate) mod times;

use std::{marker::PhantomData, rc::Rc};

use crate::{
    ids::OpId,
    record::Record,
    stream::{
        chain::{Chain, Ready, Rooted},
        context::JobContext,
        kind::{PerBatch, StreamKind},
    },
    timeline::rhythm::Rhythm,
};

/// A stream of records `T` in a pipeline under construction.
///
/// `P` says what the stream holds of its past, see [`StreamKind`]: [`PerBatch`] is the records of each batch. The fourth parameter is
/// internal: write `Stream<'s, T>` in functions and extension traits.
///
/// ```
/// use streaming_runtime::prelude::*;
///
/// /// Any function from streams to streams.
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
/// For a function with state, use [`stage!`](crate::stage!): its operators have ids of their own.
#[must_use = "a stream does nothing until it is sent on with `.to(sink)`"]
pub struct Stream<'s, T: 'static, P: StreamKind = PerBatch, C: Rooted = Ready<T>> {
    pub(crate) held: P::Held<'s, C::In>,
    pub(crate) chain: C,
    pub(crate) id: OpId,
    pub(crate) job: Rc<JobContext>,
    /// When it has something new.
    pub(crate) rhythm: Rhythm,
    types: PhantomData<fn() -> T>,
}

impl<'s, T: Record, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
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

    /// Makes the chain of stateless operators so far an operator of its own, so that the stream can be read more than once, or be
    /// named as a plain `Stream<'s, T>`. `stream!` writes it where it is needed; functions and extension traits write it before they
    /// return. State: none. Cost: a copy of each record where several read the stream.
    ///
    /// ```
    /// use streaming_runtime::prelude::*;
    ///
    /// fn words<'s>(lines: Stream<'s, String>) -> Stream<'s, String> {
    ///     lines.flat_map(|line, out| out.extend(line.split(' ').map(str::to_owned))).share()
    /// }
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn word_count<lines: Source<String>, out: Sink<(String, i64)>>() {
    ///         words(lines).count_by_value().to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn share(self) -> Stream<'s, T, P> {
        let Stream { held, chain, id, job, rhythm, .. } = self;
        job.reads(id);
        Stream::new(P::realise(held, chain, id), id, job, rhythm)
    }
}

impl<'s, T: 'static, P: StreamKind, C: Rooted> Stream<'s, T, P, C> {
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
    pub(crate) fn on<Q: StreamKind>(
        self,
        held: impl FnOnce(P::Held<'s, C::In>) -> Q::Held<'s, C::In>,
    ) -> Stream<'s, T, Q, C> {
        let Stream { held: old, chain, id, job, rhythm, .. } = self;
        Stream { held: held(old), chain, id, job, rhythm, types: PhantomData }
    }
}

impl<'s, T: 'static, P: StreamKind> Stream<'s, T, P> {
    pub(crate) fn new(held: P::Held<'s, T>, id: OpId, job: Rc<JobContext>, rhythm: Rhythm) -> Self {
        Self::with(held, Ready::new(), id, job, rhythm)
    }
}

impl<'s, T: Record, P: StreamKind> Stream<'s, T, P> {
    /// One more reader of the same stream. `stream!` writes it.
    #[doc(hidden)]
    pub fn again(&self) -> Self {
        self.job.reads(self.id);
        Stream::new(P::again(&self.held), self.id, self.job.clone(), self.rhythm.clone())
    }
}

/// What [`share`](Stream::share) is on a stream of what is no record, outside of `stream!`: an answer that says so, where the
/// compiler would list bounds. It takes `&mut self`, so that it is found only where the method of that name is none.
#[doc(hidden)]
pub trait Unshared {
    #[doc(hidden)]
    type Of;
    #[doc(hidden)]
    fn share<S>(&mut self) -> S
    where
        Self::Of: Record,
    {
        unreachable!("a stream of records has a method of this name that takes the stream")
    }
}
