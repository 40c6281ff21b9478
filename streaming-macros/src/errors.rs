//! Mistakes found in a pipeline, gathered so that all of them are reported at once.

use std::cell::{Cell, RefCell};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// Gathers mistakes. Whoever makes one must look at it: dropping it unread is a bug of this crate.
#[derive(Default)]
pub struct Errors {
    found: RefCell<Vec<Error>>,
    /// Whether rustc would only repeat a mistake if it saw the body.
    body_lost: Cell<bool>,
    read: Cell<bool>,
}

impl Errors {
    /// A mistake after which the body still has a meaning, so that rustc checks it as well.
    pub fn push(&self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.found.borrow_mut().push(Error::new_spanned(at, message));
    }

    /// A mistake that leaves the body without a meaning: rustc would report it a second time.
    pub fn push_and_lose_body(&self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.body_lost.set(true);
        self.push(at, message);
    }

    /// A mistake that was found while the item was read. What is left of the item may have no meaning.
    pub fn adopt(&self, mistake: Error) {
        self.body_lost.set(true);
        self.found.borrow_mut().push(mistake);
    }

    /// Whether nothing was found so far. Rules about something being absent ask this first.
    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Whether the body must be kept from rustc.
    pub fn body_lost(&self) -> bool {
        self.body_lost.get()
    }

    /// Everything found, in the order of discovery.
    pub fn finish(self) -> Vec<Error> {
        self.read.set(true);
        self.found.take()
    }

    /// The mistakes as `compile_error!` items.
    pub fn into_compile_errors(self) -> TokenStream {
        self.finish().iter().map(Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(
            self.read.get() || std::thread::panicking(),
            "mistakes were gathered, and nobody looked at them"
        );
    }
}
