//! What the compiler finds behind a mistake, and what it finds where something is taken for a stream that is none. `stream!` has both
//! traits in scope in the bodies that it writes.

use crate::{
    ids::OpId,
    stream::{Stream, chain::Rooted, kind::StreamKind},
};

/// What takes over after an operator that was reported: its stream has no chain or no record, so the methods
/// above are not its own. `stream!` calls one of them before each operator and has this trait in scope; whatever
/// follows then has an unknown type, about which the compiler reports nothing more once it has reported an error.
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
impl<T, P: StreamKind, C: Rooted> Reported for Stream<'_, T, P, C> {}

/// A stream. Nothing has this property: what is one has the methods that are asked for.
#[diagnostic::on_unimplemented(
    message = "this is no stream, and has none of its operators",
    label = "this is `{Self}`",
    note = "a function that makes a stream returns it as `Stream<'s, T>`: write that for `impl Iterator<Item = T>`, and delete `async`",
    note = "several streams, as a tuple, are given names first: `let (one, other) = ..;`; those of a struct are its fields; those of a list are put together by `.union(..)`, one by one, since a list may be empty"
)]
#[doc(hidden)]
pub trait IsStream {}

/// What `stream!` writes behind each stream, for what is none. The methods take `&mut self`, so that those of a stream, and of what
/// follows a mistake, are found first.
#[doc(hidden)]
pub trait NoStream {
    #[doc(hidden)]
    fn at<S>(&mut self, _: OpId) -> S
    where
        Self: IsStream,
    {
        unreachable!("nothing has this property, so nobody can call it")
    }
    #[doc(hidden)]
    fn call<S>(&mut self, _: OpId) -> S
    where
        Self: IsStream,
    {
        unreachable!("nothing has this property, so nobody can call it")
    }
    #[doc(hidden)]
    fn again<S>(&mut self) -> S
    where
        Self: IsStream,
    {
        unreachable!("nothing has this property, so nobody can call it")
    }
}
impl<T> NoStream for T {}
