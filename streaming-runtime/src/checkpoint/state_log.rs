//! What the stateful operators of one worker write down of each batch, and find again after a restart.
//!
//! Each operator logs its own changes: its input ([`StateWriter::pane`]) or the new states of keys ([`StateWriter::keys`]). When all operators have
//! closed a batch, what they wrote is the worker's part of that batch's frame.
//!
//! After a restart, each operator gets its entries back before its first batch, and then is as it was after the last batch. It sends its
//! contents once, as contents and as changes, to operators that write nothing themselves: loops, contents that stand beside a stream
//! that is renewed more often, and operators that log only the order of their input.
//!
//! # Names
//!
//! State is found again by its name, and no edit may give that name to another state. An operator that `stream!` or `stage!` can see has
//! an id of its own, which names its state. In code that they cannot see (a plain function or method), all operators have the id of the
//! call: a single state has that name; several have the kind of operator appended, `call/update_state`. Two of one kind could only be
//! distinguished by their order, so a job with checkpoints does not start with them ([`StateLog::name_all`]).
//! The one exception is a window that several operators read, each of which keeps the same records of it.
//!
//! In a job that goes on, batch 0 is the past ([`StateLog::is_past`]). Operators that log ignore their input in it, and sinks drop it: all
//! of it is in the state already, and was delivered.

use std::{
    cell::{Cell, OnceCell, RefCell},
    panic::resume_unwind,
    rc::Rc,
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use timely::progress::Source;

use crate::{
    build_error::BuildError,
    checkpoint::{CheckpointError, EntryContent, Initial, OperatorState, PartWriter, Restored, StateShape},
    codec::{Forms, decode, encode, read_back},
    epoch_queue::EpochQueue,
    ids::{Epoch, OpId},
    record::Record,
    schema,
    time::BatchTime,
};

/// Takes the part of a batch when it is complete.
type Send = Box<dyn Fn(Epoch, Vec<u8>)>;

/// See the module.
#[derive(Default)]
pub(crate) struct StateLog {
    send: Option<Send>,
    /// This worker among all, and how many there are.
    place: (usize, usize),
    operators: RefCell<Vec<Built>>,
    /// What they keep, once they are named.
    named: OnceCell<Vec<OperatorState>>,
    pages: RefCell<EpochQueue<Page>>,
    restored: RefCell<Option<Arc<Restored>>>,
    /// Operators that have yet to take what is theirs.
    waiting: Cell<usize>,
    /// Whether the job goes on from a checkpoint.
    is_resumed: Cell<bool>,
}

/// A stream whose records an operator keeps as they are.
pub(crate) type Keeps = Source;

/// A stateful operator as it was built.
struct Built {
    id: OpId,
    kind: &'static str,
    keeps: Option<Keeps>,
    shape: StateShape,
    initial: Initial,
}

/// A batch that not all operators have closed.
#[derive(Default)]
struct Page {
    part: PartWriter,
    closed: usize,
}

impl StateLog {
    pub(crate) fn new(place: (usize, usize), send: Send) -> Self {
        StateLog { send: Some(send), place, ..StateLog::default() }
    }

    /// Whether anything is written down.
    pub(crate) fn is_on(&self) -> bool {
        self.send.is_some()
    }

    /// Names the operators, now that all are built; see the module.
    pub(crate) fn name_all(&self) -> Result<(), BuildError> {
        let operators = self.operators.borrow();
        let mut named = Vec::<OperatorState>::with_capacity(operators.len());
        for (at, Built { id, kind, keeps, shape, initial }) in operators.iter().enumerate() {
            let (before, after) = (&operators[..at], &operators[at + 1..]);
            let is_copy = |other: &Built| {
                other.id == *id && other.keeps.is_some() && other.keeps == *keeps && other.shape == *shape
            };
            let is_other = |other: &&Built| other.id == *id && !is_copy(other);
            let others: Vec<&Built> = before.iter().chain(after).filter(is_other).collect();
            if id.0.contains('#') {
                return Err(unnamed(id.0, "is called several times for one `let` or sink"));
            }
            if others.iter().any(|other| other.kind == *kind) {
                let what = format!("has several operators of the kind `{kind}` in it");
                return Err(unnamed(id.0, &what));
            }
            let mut name = if others.is_empty() { id.0.to_owned() } else { format!("{}/{kind}", id.0) };
            // The same records under another name.
            let copies = before.iter().filter(|other| is_copy(other)).count();
            if copies > 0 {
                name.push_str(&format!("#{}", copies + 1));
            }
            if named.iter().any(|operator| operator.id == name) {
                return Err(unnamed(id.0, "has an operator of a name that another has"));
            }
            let (shape, mark, initial) = (shape.clone(), String::new(), *initial);
            named.push(OperatorState { id: name, shape, mark, initial });
        }
        assert!(self.named.set(named).is_ok(), "a dataflow is built once");
        Ok(())
    }

    /// What the operators keep, in the order in which they were built.
    pub(crate) fn operators(&self) -> &[OperatorState] {
        self.named.get().map_or(&[], Vec::as_slice)
    }

    /// The state that the operators go on from.
    pub(crate) fn restore(&self, restored: Arc<Restored>) {
        self.is_resumed.set(true);
        let waiting = self.operators.borrow().len();
        self.waiting.set(waiting);
        // The files that were read are held until every operator has taken its entries.
        *self.restored.borrow_mut() = (waiting > 0).then_some(restored);
    }

    /// Whether this is the batch in which operators say what they have from before.
    pub(crate) fn is_past(&self, epoch: Epoch) -> bool {
        epoch == 0 && self.is_resumed.get()
    }

    /// An operator that is being built. `kind` tells it from others in one call of code that the macros cannot see; `keeps`
    /// is the stream whose records it keeps as they are, if it does; `initial` tells the initial states that it is given from
    /// others.
    pub(crate) fn operator(
        self: &Rc<Self>,
        id: OpId,
        kind: &'static str,
        keeps: Option<Keeps>,
        shape: StateShape,
        initial: Option<u64>,
    ) -> StateWriter {
        let mut operators = self.operators.borrow_mut();
        operators.push(Built { id, kind, keeps, shape, initial: Initial::of(initial) });
        let index = operators.len() as u32 - 1;
        StateWriter(Some(Mine { ledger: self.clone(), index, forms: RefCell::default() }))
    }

    fn write(&self, epoch: Epoch, write: &mut dyn FnMut(&mut PartWriter)) {
        write(&mut self.pages.borrow_mut().at(epoch).part);
    }

    /// One more operator has closed the batch.
    fn close(&self, epoch: Epoch) {
        let mut pages = self.pages.borrow_mut();
        pages.at(epoch).closed += 1;
        let all = self.operators.borrow().len();
        // Each closes batches in their order, so the oldest is complete first.
        while let Some((epoch, mut page)) = pages.pop_if(|_, page| page.closed == all) {
            if let Some(send) = &self.send {
                send(epoch, page.part.take());
            }
            page.closed = 0;
            pages.reuse(page);
        }
    }
}

/// Why state has no name under which it could be found again.
fn unnamed(call: &str, why: &str) -> BuildError {
    BuildError::Operator {
        operator: call.to_owned(),
        what: format!(
            "it {why}, and a checkpoint could tell their states apart by their order only: make a `stage!` of the function that \
             is called, or give each call a `let` of its own"
        ),
    }
}

/// Where one operator writes; nowhere, in a job without checkpoints.
pub(crate) struct StateWriter(Option<Mine>);

struct Mine {
    ledger: Rc<StateLog>,
    index: u32,
    /// The forms of what it has written.
    forms: RefCell<Forms>,
}

/// Writes a value that is read back as a `T`, of the operator or source that is named, into `bytes`. One that would not be
/// read back as it is ends the job: it unwinds with a [`CheckpointError`].
pub(crate) fn write<T: Record, W: Serialize + ?Sized>(
    value: &W,
    bytes: &mut Vec<u8>,
    forms: &mut Forms,
    of: impl FnOnce() -> String,
) {
    let start = bytes.len();
    let mut written = encode(value, bytes, forms);
    if written.is_ok() && forms.is_due() {
        written = read_back::<W, T>(value, &bytes[start..], &schema::declared::<T>);
    }
    if let Err(why) = written {
        unreadable::<T>(of(), why);
    }
}

/// Reads what was written as a `T`; unwinds as [`write`] does.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], of: impl FnOnce() -> String) -> T {
    decode(bytes)
        .unwrap_or_else(|why| unreadable::<T>(of(), format!("what the checkpoint has cannot be read: {why}")))
}

/// Ends the job. Without a panic's message to standard error: it is none.
#[cold]
fn unreadable<T>(of: String, why: String) -> ! {
    let what = format!("`{}`: {why}", crate::checkpoint::short_name(std::any::type_name::<T>()));
    resume_unwind(Box::new(CheckpointError::Unreadable { of, what }))
}

impl Mine {
    fn write<T: Record, W: Serialize + ?Sized>(&self, value: &W, bytes: &mut Vec<u8>) {
        write::<T, W>(value, bytes, &mut self.forms.borrow_mut(), || self.of());
    }

    fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> T {
        read(bytes, || self.of())
    }

    /// Its name, once all operators are named.
    fn name(&self) -> &str {
        &self.ledger.operators()[self.index as usize].id
    }

    fn of(&self) -> String {
        format!("operator `{}`", self.name())
    }
}

/// Something that was written down.
struct Read<'a> {
    time: BatchTime,
    /// Whether it was written by a worker whose index maps to this one.
    is_mine: bool,
    content: EntryContent<'a>,
}

impl StateWriter {
    /// Of an operator that writes nothing.
    pub(crate) fn nowhere() -> Self {
        StateWriter(None)
    }

    /// Whether anything is written down.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes down something of a batch that counts until `until`: then it is in the state no more. Each value is read back
    /// as a `T`.
    pub(crate) fn pane<T: Record, W: Serialize>(&self, epoch: Epoch, until: Option<BatchTime>, values: &[W]) {
        if let Some(mine) = &self.0 {
            let write = |bytes: &mut Vec<u8>| mine.write::<Vec<T>, [W]>(values, bytes);
            mine.ledger.write(epoch, &mut |part| part.pane(mine.index, until, write));
        }
    }

    /// Writes down the states of keys as of a batch: keys `J` and states `W`, which are read back as `K` and `S`.
    pub(crate) fn keys<K: Record, S: Record, J: Serialize, W: Serialize>(
        &self,
        epoch: Epoch,
        write: impl FnOnce(&mut dyn FnMut(&J, Option<&W>)),
    ) {
        if let Some(mine) = &self.0 {
            let mut write = Some(write);
            mine.ledger.write(epoch, &mut |part| {
                let mut keys = part.keys(mine.index);
                let write = write.take().expect("the log writes once");
                write(&mut |key, state| {
                    let key = |bytes: &mut Vec<u8>| mine.write::<K, J>(key, bytes);
                    match state {
                        Some(state) => keys.put(key, |bytes| mine.write::<S, W>(state, bytes)),
                        None => keys.remove(key),
                    }
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
    fn read(&self, with: &mut dyn FnMut(&Mine, Read<'_>)) {
        let Some(mine @ Mine { ledger, .. }) = &self.0 else { return };
        let restored = ledger.restored.borrow();
        let Some(restored) = restored.as_ref() else { return };
        let (worker, workers) = ledger.place;
        for entry in restored.entries(mine.name()) {
            let is_mine = entry.worker as usize % workers == worker;
            with(mine, Read { time: entry.time, is_mine, content: entry.content });
        }
    }

    /// Whether anything is written of this operator.
    pub(crate) fn has_written(&self) -> bool {
        let mut has_any = false;
        self.read(&mut |_, _| has_any = true);
        has_any
    }

    /// What is written of the batches: of each its time, whether it is this worker's if it belongs to no key, and what was
    /// taken in.
    pub(crate) fn panes<T: DeserializeOwned>(&self, mut with: impl FnMut(BatchTime, bool, Vec<T>)) {
        self.read(&mut |mine, read| {
            if let EntryContent::Pane(bytes) = read.content {
                with(read.time, read.is_mine, mine.read(bytes));
            }
        });
    }

    /// The states of keys as they were written, the newest last.
    pub(crate) fn states<K: DeserializeOwned, S: DeserializeOwned>(
        &self,
        mut with: impl FnMut(K, Option<S>),
    ) {
        self.read(&mut |mine, read| {
            if let EntryContent::Keys(keys) = read.content {
                keys.for_each(|(key, state)| with(mine.read(key), state.map(|state| mine.read(state))));
            }
        });
    }
}
