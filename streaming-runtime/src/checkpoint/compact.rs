//! Compaction: makes a new base from the old one and from logs whose batches are delivered.
//!
//! It works on bytes, without types: expired panes are dropped, and the newest value of each key stays. Lists of keys are read from the
//! newest to the oldest, so that a key is looked up once per write. Everything is copied once, from the bytes that were read into the
//! frames that are written.

use crate::{
    checkpoint::{
        CheckpointError, Edits, KeysReader, SourceMark, Storage, crash_point, format,
        frame::{Head, Kind},
        image::{Image, StoredEntry, StoredInput},
        part::RawEntry,
        recover::{
            BaseFile, {self},
        },
    },
    ids::Epoch,
    time::BatchTime,
};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::{
    collections::BTreeMap,
    io,
    iter::Peekable,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A compaction that is due.
#[derive(Debug)]
pub(super) struct Compaction {
    pub storage: Arc<dyn Storage>,
    /// All logs of lower numbers go into the base.
    pub before: u64,
    pub frame: usize,
    /// Set when the job ends: the base is not needed then.
    pub stop: Arc<AtomicBool>,
}

impl Compaction {
    /// Writes the base and removes what it replaces. Until it is durable nothing else has changed.
    pub(super) fn run(self) -> Result<BaseFile, CheckpointError> {
        crash_point("compaction-begin");
        let image = recover::read(&*self.storage, Some(self.before))?.image;
        crash_point("compaction-read");
        let name = Kind::Base.name(self.before);
        let bytes = self.publish(&name, &image).map_err(|error| error.into_checkpoint_error(&name))?;
        crash_point("after-publish");
        self.remove_replaced();
        let (epoch, _) = image.head().expect("there is a batch in what is compacted");
        Ok(BaseFile { number: self.before, bytes, epoch })
    }

    fn publish(&self, name: &str, image: &Image) -> Result<u64, CompactFailed> {
        let head = Head::new(Kind::Base, self.before, 0);
        let mut too_large = None;
        let mut parts = MergedParts::new(head, image, self.frame).map(|part| {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the job ends"));
            }
            part.map_err(|error| {
                let error = too_large.insert(error);
                io::Error::other(error.to_string())
            })
        });
        let published = self.storage.publish(name, &mut parts);
        drop(parts);
        published.map_err(|source| too_large.map_or(CompactFailed::Io(source), CompactFailed::Frame))
    }

    /// The base is what counts now, so a file that cannot be removed does no harm but to the disk: the next compaction
    /// or start removes it.
    fn remove_replaced(&self) {
        let files = self.storage.list().unwrap_or_default();
        let replaced =
            files.iter().filter(|(name, _)| Kind::of(name).is_some_and(|(_, number)| number < self.before));
        for (name, _) in replaced {
            remove(&*self.storage, name);
        }
    }
}

/// Removes a file that is of no use any more.
pub(super) fn remove(storage: &dyn Storage, name: &str) {
    crash_point("before-remove");
    if let Err(error) = storage.remove(name) {
        tracing::warn!(file = name, %error, "cannot remove an old file of the checkpoint; it is tried again");
    }
    crash_point("after-remove");
}

enum CompactFailed {
    Io(io::Error),
    Frame(CheckpointError),
}

impl CompactFailed {
    fn into_checkpoint_error(self, name: &str) -> CheckpointError {
        match self {
            CompactFailed::Io(error) => CheckpointError::io("writing", name)(error),
            CompactFailed::Frame(error) => error,
        }
    }
}

/// The parts of a base: its head, the program that it belongs to, inputs, state in frames of about the same size, the end.
struct MergedParts<'a> {
    head: Head,
    image: &'a Image,
    at: (Epoch, BatchTime),
    /// The size of the frames of state.
    size: usize,
    next: Next,
    operators: Vec<String>,
    sources: Vec<(String, SourceMark)>,
    inputs: std::vec::IntoIter<StoredInput>,
    pieces: Peekable<Box<dyn Iterator<Item = CompactPiece<'a>> + 'a>>,
    frames: u64,
    entries: u64,
}

enum Next {
    First,
    Inputs,
    End,
    Nothing,
}

impl<'a> MergedParts<'a> {
    fn new(head: Head, image: &'a Image, size: usize) -> Self {
        let at = image.head().expect("there is a batch in what is compacted");
        let sources = image.sources(Some(at.0));
        let inputs: Vec<_> = image.inputs_behind(&sources).cloned().collect();
        let mut sources: Vec<_> = sources.into_iter().map(|(port, mark)| (port.to_owned(), mark)).collect();
        for input in &inputs {
            // A source may have input and no batch yet.
            if !sources.iter().any(|(port, _)| *port == input.port) {
                sources.push((input.port.clone(), SourceMark::default()));
            }
        }
        let (operators, pieces) = live(image, at.0);
        let (pieces, inputs) = (pieces.peekable(), inputs.into_iter());
        MergedParts {
            head,
            image,
            at,
            size,
            next: Next::First,
            operators,
            sources,
            inputs,
            pieces,
            frames: 0,
            entries: 0,
        }
    }

    fn first(&mut self) -> Result<Vec<u8>, CheckpointError> {
        let program = self.image.program.as_ref().expect("who wrote batches has said who it is");
        let mut bytes = self.head.encode();
        let what = || "the program".to_owned();
        self.head
            .frame(&mut bytes, 0, what, |into| format::program(into, program, &Edits::default(), None))?;
        let what = || "the list of operators and sources".to_owned();
        self.head.frame(&mut bytes, 0, what, |into| {
            format::base(into, self.at, &self.operators, &self.sources);
        })?;
        self.frames += 2;
        let timeline = self.image.timeline(Some(self.at.0));
        if !timeline.stretches().is_empty() {
            let what = || "where batches were left out".to_owned();
            self.head.frame(&mut bytes, 0, what, |into| format::timeline(into, &timeline))?;
            self.frames += 1;
        }
        Ok(bytes)
    }

    fn input(&mut self, input: &StoredInput) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        let port = self.sources.iter().position(|(port, _)| *port == input.port).expect("each was added");
        let logged = &self.image.files[input.file][input.bytes.clone()];
        self.head.frame(
            &mut bytes,
            0,
            || format!("input of `{}`", input.port),
            |into| {
                format::input(into, port as u32, input.first, input.count, logged);
            },
        )?;
        self.frames += 1;
        Ok(bytes)
    }

    /// As many pieces as make a frame.
    fn state(&mut self) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::with_capacity(self.size + self.size / 8);
        let MergedParts { head, image, at, size, pieces, entries, .. } = self;
        head.frame(
            &mut bytes,
            0,
            || "a pane".to_owned(),
            |into| {
                format::state(into);
                // One that is larger than a frame should be has one of its own.
                let before = *entries;
                while let Some(piece) =
                    pieces.next_if(|piece| *entries == before || into.len() + piece.length() <= *size)
                {
                    *entries += 1;
                    match piece {
                        CompactPiece::Pane(operator, pane) => {
                            format::entry(into, (pane.epoch, pane.time), pane.worker);
                            let bytes = &image.files[pane.file][pane.bytes.clone()];
                            RawEntry::copy_pane(into, operator, pane.until, bytes);
                        }
                        CompactPiece::Key(operator, key, value) => {
                            format::entry(into, *at, 0);
                            let mut keys = RawEntry::copy_keys(into, operator);
                            keys.copy(key, value);
                            let mut written = keys.written();
                            let fits = |piece: &CompactPiece<'_>, written| {
                                matches!(piece, CompactPiece::Key(of, ..) if *of == operator)
                                    && written + piece.length() <= *size
                            };
                            while let Some(CompactPiece::Key(_, key, value)) =
                                pieces.next_if(|piece| fits(piece, written))
                            {
                                keys.copy(key, value);
                                written = keys.written();
                            }
                        }
                    }
                }
            },
        )?;
        self.frames += 1;
        Ok(bytes)
    }

    fn end(&mut self) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        let (frames, entries) = (self.frames, self.entries);
        self.head.frame(&mut bytes, 0, String::new, |into| format::end(into, frames, entries))?;
        Ok(bytes)
    }
}

impl Iterator for MergedParts<'_> {
    type Item = Result<Vec<u8>, CheckpointError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next {
            Next::First => {
                self.next = Next::Inputs;
                Some(self.first())
            }
            Next::Inputs => match self.inputs.next() {
                Some(input) => Some(self.input(&input)),
                None if self.pieces.peek().is_some() => Some(self.state()),
                None => {
                    self.next = Next::End;
                    self.next()
                }
            },
            Next::End => {
                self.next = Next::Nothing;
                Some(self.end())
            }
            Next::Nothing => None,
        }
    }
}

/// Something that is live, of the operator at this place in the base's list.
enum CompactPiece<'a> {
    Pane(u32, &'a StoredEntry),
    Key(u32, &'a [u8], &'a [u8]),
}

impl CompactPiece<'_> {
    fn length(&self) -> usize {
        match self {
            CompactPiece::Pane(_, pane) => pane.bytes.len(),
            CompactPiece::Key(_, key, value) => key.len() + value.len(),
        }
    }
}

/// The operators that have state, and all of it: by operator, panes from the oldest, then keys.
fn live<'a>(image: &'a Image, at: Epoch) -> (Vec<String>, Box<dyn Iterator<Item = CompactPiece<'a>> + 'a>) {
    let mut by_operator: BTreeMap<u32, Vec<&'a StoredEntry>> = BTreeMap::new();
    for entry in image.live(Some(at)) {
        by_operator.entry(entry.operator).or_default().push(entry);
    }
    let name = |&place: &u32| image.operators[place as usize].clone().expect("what is live has a name");
    let operators = by_operator.keys().map(name).collect();
    let pieces = by_operator.into_values().zip(0..).flat_map(move |(entries, operator)| {
        let (keys, panes): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.keys);
        let panes = panes.into_iter().map(move |pane| CompactPiece::Pane(operator, pane));
        panes.chain(newest(image, keys).map(move |(key, value)| CompactPiece::Key(operator, key, value)))
    });
    (operators, Box::new(pieces))
}

/// The keys that are there and their newest values: from the newest list back, the first of a key counts. A list has
/// each key once.
fn newest<'a>(
    image: &'a Image,
    lists: Vec<&'a StoredEntry>,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
    let of_base = |list: &StoredEntry| image.base.is_some() && list.file == 0;
    let mut seen: HashSet<&[u8], RandomState> = HashSet::default();
    lists
        .into_iter()
        .rev()
        .flat_map(move |list| {
            let keys = KeysReader::new(&image.files[list.file][list.bytes.clone()]);
            keys.map(move |key| (of_base(list), key))
        })
        .filter_map(move |(is_of_base, (key, value))| {
            let counts = if is_of_base { !seen.contains(key) } else { seen.insert(key) };
            value.filter(|_| counts).map(|value| (key, value))
        })
}
