//! What a stateful operator makes of a batch, in the forms that its readers want.

use std::{convert::Infallible, rc::Rc};

use crate::{observe::operator_stats::Held, stream::held::Wants};

/// What an operator makes when a batch closes. It need not make what is not wanted.
pub(crate) struct Output<U, E = Infallible> {
    pub(crate) wants: Rc<Wants>,
    pub(crate) audience: Audience,
    pub(crate) contents: Vec<U>,
    pub(crate) changes: Vec<(U, i64)>,
    pub(crate) emitted: Vec<E>,
    /// What is kept when the batch is closed.
    pub(crate) held: Held,
}

/// Who reads what an operator makes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Audience {
    /// The readers of the stream.
    Readers,
    /// Nobody: it was delivered before the restart.
    Nobody,
    /// The shell, which makes changes of the contents.
    Shell,
}

impl<U, E> Output<U, E> {
    pub(crate) fn new(wants: Rc<Wants>) -> Self {
        Output {
            wants,
            audience: Audience::Readers,
            contents: Vec::new(),
            changes: Vec::new(),
            emitted: Vec::new(),
            held: Held::default(),
        }
    }

    /// Whether to write all that is kept.
    pub(crate) fn wants_contents(&self) -> bool {
        match self.audience {
            Audience::Readers => self.wants.contents(),
            Audience::Nobody => false,
            Audience::Shell => true,
        }
    }

    /// Whether to write what changed. The state that changes are computed from is kept up to date for every audience.
    pub(crate) fn wants_changes(&self) -> bool {
        self.wants.changes()
    }

    /// Adds a record that came or went, if changes are wanted.
    pub(crate) fn change(&mut self, record: impl FnOnce() -> U, times: i64) {
        if self.wants_changes() {
            self.changes.push((record(), times));
        }
    }

    /// Brings the contents from before a restart into the form in which they are wanted.
    pub(crate) fn restored(&mut self)
    where
        U: Clone,
    {
        match (self.wants.contents(), self.wants.changes()) {
            (_, false) => {}
            (true, true) => self.changes.extend(self.contents.iter().cloned().map(|record| (record, 1))),
            (false, true) => self.changes.extend(self.contents.drain(..).map(|record| (record, 1))),
        }
        if !self.wants.contents() {
            self.contents.clear();
        }
    }

    /// Runs `write` for another audience. Changes and emitted records are dropped.
    pub(crate) fn written_for(&mut self, audience: Audience, write: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.audience, audience);
        write(self);
        self.audience = before;
        self.changes.clear();
        self.emitted.clear();
    }
}
