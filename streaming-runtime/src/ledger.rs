//! What the stateful operators of one worker write down of each batch, and find again after a restart.
//!
//! Each logs itself: what it took in ([`Entry::pane`]) or which of its keys have which state now ([`Entry::keys`]). When
//! all have closed a batch, what they wrote is the worker's part of that batch's frame. After a restart each gets back
//! its own entries, before its first batch; then it is as it was after the batch that the job goes on from, and says
//! once what it keeps, as changes, to those that can be made of it and write nothing themselves, as loops, or only the
//! order of what they are made of.
//!
//! That one time is batch 0 of a job that goes on ([`Ledger::is_past`]). Operators that log ignore what comes to them
//! in it, and sinks drop it: all of it is in the state, and was delivered.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    checkpoint::{OperatorState, PartWriter, Restored, StateShape, What},
    codec::{decode, encode},
    stream::{Epoch, OpId},
    time::BatchTime,
};

/// Takes the part of a batch when it is complete.
type Send = Box<dyn Fn(Epoch, Vec<u8>)>;

/// See the module.
#[derive(Default)]
pub(crate) struct Ledger {
    send: Option<Send>,
    /// This worker among all, and how many there are.
    place: (usize, usize),
    operators: RefCell<Vec<OperatorState>>,
    pages: RefCell<VecDeque<Page>>,
    spare: RefCell<Vec<PartWriter>>,
    restored: RefCell<Option<Arc<Restored>>>,
    /// Operators that have yet to take what is theirs.
    waiting: Cell<usize>,
    goes_on: Cell<bool>,
}

/// A batch that not all operators have closed.
struct Page {
    epoch: Epoch,
    part: PartWriter,
    closed: usize,
}

impl Ledger {
    pub(crate) fn new(place: (usize, usize), send: Send) -> Self {
        Ledger { send: Some(send), place, ..Ledger::default() }
    }

    /// Whether anything is written down.
    pub(crate) fn is_on(&self) -> bool {
        self.send.is_some()
    }

    /// What the operators keep, in the order in which they were built.
    pub(crate) fn operators(&self) -> Vec<OperatorState> {
        self.operators.borrow().clone()
    }

    /// The state that the operators go on from.
    pub(crate) fn restore(&self, restored: Arc<Restored>) {
        self.goes_on.set(true);
        let waiting = self.operators.borrow().len();
        self.waiting.set(waiting);
        // The files that were read are held for as long as somebody has yet to take what is theirs.
        *self.restored.borrow_mut() = (waiting > 0).then_some(restored);
    }

    /// Whether this is the batch in which operators say what they have from before.
    pub(crate) fn is_past(&self, epoch: Epoch) -> bool {
        epoch == 0 && self.goes_on.get()
    }

    /// An operator that is being built. Several may have one id, as the two sides of a join: the second is `id#2`.
    pub(crate) fn operator(self: &Rc<Self>, id: OpId, shape: StateShape) -> Entry {
        let mut operators = self.operators.borrow_mut();
        let name = (1..)
            .map(|n| if n == 1 { id.0.to_owned() } else { format!("{}#{n}", id.0) })
            .find(|name| operators.iter().all(|operator| operator.id != *name))
            .expect("there is always a next number");
        operators.push(OperatorState { id: name.clone(), shape });
        Entry(Some(Mine { ledger: self.clone(), index: operators.len() as u32 - 1, name }))
    }

    fn write(&self, epoch: Epoch, write: impl FnOnce(&mut PartWriter)) {
        let mut pages = self.pages.borrow_mut();
        let place = pages.partition_point(|page| page.epoch < epoch);
        if pages.get(place).is_none_or(|page| page.epoch != epoch) {
            let part = self.spare.borrow_mut().pop().unwrap_or_default();
            pages.insert(place, Page { epoch, part, closed: 0 });
        }
        write(&mut pages[place].part);
    }

    /// One more operator has closed the batch.
    fn close(&self, epoch: Epoch) {
        self.write(epoch, |_| {});
        let mut pages = self.pages.borrow_mut();
        let page = pages.iter_mut().find(|page| page.epoch == epoch).expect("it was just made");
        page.closed += 1;
        let all = self.operators.borrow().len();
        // Each closes batches in their order, so the oldest is complete first.
        while let Some(mut page) = pages.pop_front_if(|page| page.closed == all) {
            if let Some(send) = &self.send {
                send(page.epoch, page.part.take());
            }
            self.spare.borrow_mut().push(page.part);
        }
    }
}

/// Where one operator writes; nowhere, in a job without checkpoints.
pub(crate) struct Entry(Option<Mine>);

struct Mine {
    ledger: Rc<Ledger>,
    index: u32,
    name: String,
}

/// Something that was written down.
struct Read<'a> {
    time: BatchTime,
    /// Whether it was written by a worker whose place this one has now, of so many as there are.
    is_mine: bool,
    what: What<'a>,
}

impl Entry {
    /// Of an operator that writes nothing.
    pub(crate) fn nowhere() -> Self {
        Entry(None)
    }

    /// Whether anything is written down.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes down something of a batch that counts until `until`: then it is in the state no more.
    pub(crate) fn pane<T: Serialize + ?Sized>(&self, epoch: Epoch, until: Option<BatchTime>, value: &T) {
        if let Some(Mine { ledger, index, .. }) = &self.0 {
            ledger.write(epoch, |part| part.pane(*index, until, |bytes| encode(value, bytes)));
        }
    }

    /// Writes down the states of keys as of a batch.
    pub(crate) fn keys<K: Serialize, S: Serialize>(
        &self,
        epoch: Epoch,
        write: impl FnOnce(&mut dyn FnMut(&K, Option<&S>)),
    ) {
        if let Some(Mine { ledger, index, .. }) = &self.0 {
            ledger.write(epoch, |part| {
                let mut keys = part.keys(*index);
                write(&mut |key, state| match state {
                    Some(state) => keys.put(|bytes| encode(key, bytes), |bytes| encode(state, bytes)),
                    None => keys.remove(|bytes| encode(key, bytes)),
                });
            });
        }
    }

    /// The operator has closed a batch, and writes nothing more of it.
    pub(crate) fn close(&self, epoch: Epoch) {
        if let Some(Mine { ledger, .. }) = &self.0 {
            ledger.close(epoch);
        }
    }

    /// The operator has taken what is its own.
    pub(crate) fn taken(&self) {
        if let Some(Mine { ledger, .. }) = &self.0 {
            ledger.waiting.update(|waiting| waiting - 1);
            if ledger.waiting.get() == 0 {
                ledger.restored.borrow_mut().take();
            }
        }
    }

    /// All that is written of this operator and still counts, by whatever worker, oldest first.
    fn read(&self, mut with: impl FnMut(Read<'_>)) {
        let Some(Mine { ledger, name, .. }) = &self.0 else { return };
        let restored = ledger.restored.borrow();
        let Some(restored) = restored.as_ref() else { return };
        let (worker, workers) = ledger.place;
        for entry in restored.entries(name) {
            let is_mine = entry.worker as usize % workers == worker;
            with(Read { time: entry.time, is_mine, what: entry.what });
        }
    }

    /// What is written of the batches: of each its time, whether it is this worker's if it belongs to no key, and what was
    /// taken in.
    pub(crate) fn panes<T: DeserializeOwned>(&self, mut with: impl FnMut(BatchTime, bool, Vec<T>)) {
        self.read(|read| {
            if let What::Pane(bytes) = read.what {
                with(read.time, read.is_mine, decode(bytes));
            }
        });
    }

    /// The states of keys as they were written, the newest last.
    pub(crate) fn states<K: DeserializeOwned, S: DeserializeOwned>(
        &self,
        mut with: impl FnMut(K, Option<S>),
    ) {
        self.read(|read| {
            if let What::Keys(keys) = read.what {
                keys.for_each(|(key, state)| with(decode(key), state.map(decode)));
            }
        });
    }
}
