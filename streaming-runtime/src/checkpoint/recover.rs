//! Reading a place: what is there, what is cut, and the state as of a batch.

use super::{CheckpointError, Entry, Mark, Program, SourceMark, Storage};
use crate::{stream::Epoch, time::BatchTime};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A place that is locked and read.
#[derive(Debug)]
pub(crate) struct Opened {}

/// A tail that a crash has left unfinished, and that is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub file: String,
    /// What is kept of it.
    pub at: u64,
    /// What is not.
    pub bytes: u64,
}

/// What the author said about operators of before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    /// Old id to new id.
    pub rename: BTreeMap<String, String>,
    /// Old ids whose state is dropped.
    pub forget: BTreeSet<String>,
}

/// The part of a place that the writer needs.
#[derive(Debug)]
pub(crate) struct Place {}

/// The state as of a batch, and what runs again behind it.
#[derive(Debug)]
pub(crate) struct Restored {
    pub at: Option<Epoch>,
    pub time: Option<BatchTime>,
    /// By port, as of `at`; empty if that is `None`.
    pub sources: Vec<(String, SourceMark)>,
    /// The batches behind `at`, in order.
    pub again: Vec<AgainMark>,
    /// By port, what was logged of its input and has records after `at`, oldest first.
    pub inputs: BTreeMap<String, Vec<Input>>,
}

/// A batch that runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgainMark {
    pub epoch: Epoch,
    pub time: BatchTime,
    pub sources: Vec<(String, SourceMark)>,
}

/// Input that was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// The number of its first record; the first of a source is 0.
    pub first: u64,
    pub count: u64,
    pub bytes: Vec<u8>,
}

/// Locks the place, reads all of it, cuts a torn tail, removes what a crash left over.
pub(crate) fn open(storage: Arc<dyn Storage>) -> Result<Opened, CheckpointError> {
    todo!()
}

impl Opened {
    /// The newest; `None` if nothing is there.
    pub(crate) fn program(&self) -> Option<&Program> {
        todo!()
    }

    /// The last batch that is there.
    pub(crate) fn head(&self) -> Option<(Epoch, BatchTime)> {
        todo!()
    }

    /// The batch before which nothing can be restored any more.
    pub(crate) fn base(&self) -> Option<(Epoch, BatchTime)> {
        todo!()
    }

    /// The last batch that all sinks had, as far as is known here.
    pub(crate) fn delivered(&self) -> Option<Epoch> {
        todo!()
    }

    /// The epoch of the batch of this time, from the base on.
    pub(crate) fn epoch_of(&self, time: BatchTime) -> Option<Epoch> {
        todo!()
    }

    /// What was cut off the newest log.
    pub(crate) fn cut(&self) -> Option<&Cut> {
        todo!()
    }

    /// The state as of the end of `at`, or before the first batch if `None`, and what runs again. `at` lies between the
    /// base and the head.
    pub(crate) fn restore(
        self,
        at: Option<Epoch>,
        edits: Edits,
    ) -> Result<(Restored, Place), CheckpointError> {
        todo!()
    }
}

impl Restored {
    /// All live entries of an operator, by its new id, oldest first: the base, then the batches in order, then by
    /// worker. Of a key that occurs more than once the last counts.
    pub(crate) fn entries(&self, operator: &str) -> impl Iterator<Item = Entry<'_>> {
        let _ = operator;
        std::iter::empty()
    }
}
