//! Reading files into an image, with all checks that they fit together.

use std::{ops::Range, sync::Arc};

use crate::{
    checkpoint::{
        CheckpointError, Mark, Program, TornTail,
        format::{FormatReader, Record},
        frame::{BadHead, Frame, Head, Kind, VERSION},
        image::{Batch, Image, LogFile, StoredEntry, StoredInput},
        part::RawEntry,
    },
    time::BatchTime,
};

/// What reading the newest log found at its end.
#[derive(Debug, Default)]
pub(in crate::checkpoint) struct Tail {
    pub cut: Option<TornTail>,
    /// It has no frames, so that it is as if it were not there.
    pub void: bool,
    /// There is something that counts, not only a closing record, and that no frame proves to be on disk: they may be in memory only.
    pub unproven: bool,
}

/// A file on its way into the image.
struct Incoming<'a> {
    name: &'a str,
    index: usize,
    program: Arc<Program>,
    /// The places of its operators.
    operators: Vec<u32>,
    ports: Vec<String>,
}

impl Image {
    fn operator(&mut self, id: &str) -> u32 {
        let found = self.operators.iter().position(|name| name.as_deref() == Some(id));
        found.unwrap_or_else(|| {
            self.operators.push(Some(id.to_owned()));
            self.operators.len() - 1
        }) as u32
    }

    /// Takes in a base, the first file of all.
    pub(in crate::checkpoint) fn read_base(
        &mut self,
        number: u64,
        bytes: Vec<u8>,
    ) -> Result<(), CheckpointError> {
        let name = &*Kind::Base.name(number);
        let head = head(name, Kind::Base, number, &bytes)?;
        let scan = head.scan(&bytes);
        if let Some(bad) = scan.bad {
            return Err(CheckpointError::corrupt(name, bad.at, bad.what));
        }
        let file = self.files.len();
        let mut incoming: Option<Incoming<'_>> = None;
        let mut ended = false;
        for (nth, frame) in scan.frames.iter().enumerate() {
            let corrupt = |what| CheckpointError::corrupt(name, frame.at, what);
            if ended {
                return Err(corrupt("something behind the end"));
            }
            match (Record::decode(&bytes[frame.payload.clone()]).map_err(corrupt)?, &incoming) {
                (Record::Program { program, .. }, None) if nth == 0 => self.program = Some(Arc::new(program)),
                (Record::Base { epoch, time, operators, sources }, None) if nth == 1 => {
                    self.base = Some((epoch, time));
                    self.delivered = Some(epoch);
                    incoming = Some(Incoming {
                        name,
                        index: file,
                        program: self.program.clone().ok_or_else(|| corrupt("no program"))?,
                        operators: operators.iter().map(|id| self.operator(id)).collect(),
                        ports: sources.iter().map(|(port, _)| port.clone()).collect(),
                    });
                    self.base_sources = sources;
                }
                (Record::Timeline(timeline), Some(_)) if nth == 2 => self.base_timeline = timeline,
                (Record::Input { port, first, count, bytes }, Some(incoming)) => {
                    let input = incoming.input(frame, port, first, count, bytes)?;
                    self.inputs.push(input);
                }
                (Record::State { entries }, Some(incoming)) => {
                    incoming.state(frame, &bytes, entries, &mut self.base_entries)?;
                }
                (Record::End { frames, entries }, Some(_)) => {
                    if (frames, entries) != (nth as u64, self.base_entries.len() as u64) {
                        return Err(corrupt("not as many frames and entries as the end says"));
                    }
                    ended = true;
                }
                _ => return Err(corrupt("a frame that has no business here")),
            }
        }
        if !ended {
            return Err(CheckpointError::corrupt(name, bytes.len(), "the file ends before its end frame"));
        }
        self.files.push(Arc::new(bytes));
        Ok(())
    }

    /// Takes in a log, the next in order. Only the newest may be torn; the image has it without what is cut.
    ///
    /// The log behind it says how much of it `counts`: what was known to be on disk when that was opened. There may be
    /// more, a closing record that was not yet known to be. One that has less lacks its end.
    pub(in crate::checkpoint) fn read_log(
        &mut self,
        number: u64,
        mut bytes: Vec<u8>,
        counts: Option<u64>,
        newest: bool,
    ) -> Result<Tail, CheckpointError> {
        let name = &*Kind::Log.name(number);
        let head = head(name, Kind::Log, number, &bytes)?;
        if let Some(counts) = counts {
            if (bytes.len() as u64) < counts {
                let what =
                    format!("it has {} bytes, and the log behind it says that it had {counts}", bytes.len());
                return Err(CheckpointError::corrupt(name, bytes.len(), what));
            }
            bytes.truncate(counts as usize);
        }
        let scan = head.scan(&bytes);
        let mut tail = Tail::default();
        if let Some(bad) = scan.bad {
            match bad.proof {
                None if newest => tail.cut = TornTail::of(name.to_owned(), bad.at, bytes.len()),
                None => return Err(CheckpointError::corrupt(name, bad.at, bad.what)),
                Some(proof) => {
                    let what =
                        format!("{}, and the frame at byte {proof} says that it was on disk", bad.what);
                    return Err(CheckpointError::corrupt(name, bad.at, what));
                }
            }
            bytes.truncate(bad.at);
        }
        tail.void = newest && scan.frames.is_empty();
        if tail.void {
            return Ok(tail);
        }
        let proven = scan.frames.iter().map(|frame| frame.synced).max().unwrap_or(0);
        let log = LogFile {
            number,
            bytes: bytes.len() as u64,
            proven: if newest { proven } else { bytes.len() as u64 },
            first: None,
            last: self.head().map(|(epoch, _)| epoch),
        };
        self.logs.push(log);
        self.read_log_frames(name, &scan.frames, &bytes, |frame| {
            tail.unproven |= frame.payload.end as u64 > proven;
        })?;
        self.files.push(Arc::new(bytes));
        Ok(tail)
    }

    fn read_log_frames(
        &mut self,
        name: &str,
        frames: &[Frame],
        bytes: &[u8],
        mut matters: impl FnMut(&Frame),
    ) -> Result<(), CheckpointError> {
        let mut incoming: Option<Incoming<'_>> = None;
        let mut next = None;
        for frame in frames {
            let corrupt = |what: &str| CheckpointError::corrupt(name, frame.at, what);
            match (Record::decode(&bytes[frame.payload.clone()]).map_err(corrupt)?, &incoming) {
                (Record::Program { program, edits, again }, None) => {
                    self.edit(&edits).map_err(|what| corrupt(&what))?;
                    next = self.head().map(|(epoch, _)| epoch + 1);
                    if again.is_some_and(|again| next.is_none_or(|next| again > next)) {
                        return Err(corrupt("batches that do not follow those before"));
                    }
                    next = again.or(next);
                    let program = Arc::new(program);
                    incoming = Some(Incoming {
                        name,
                        index: self.files.len(),
                        operators: program.operators.iter().map(|entry| self.operator(&entry.id)).collect(),
                        ports: program.sources.iter().map(|source| source.port.clone()).collect(),
                        program: program.clone(),
                    });
                    self.program = Some(program);
                    matters(frame);
                }
                (Record::Epoch { mark, delivered, parts }, Some(incoming)) => {
                    if *next.get_or_insert(mark.epoch) != mark.epoch {
                        return Err(corrupt("a batch that does not follow the one before"));
                    }
                    next = Some(mark.epoch + 1);
                    self.delivered = delivered.max(self.base.map(|(epoch, _)| epoch));
                    let entries = incoming.parts(frame, bytes, &mark, parts)?;
                    self.add(mark, incoming, entries, frame).map_err(corrupt)?;
                    matters(frame);
                }
                (Record::Input { port, first, count, bytes }, Some(incoming)) => {
                    let input = incoming.input(frame, port, first, count, bytes)?;
                    self.inputs.push(input);
                    matters(frame);
                }
                (Record::Closing { delivered }, Some(_)) => {
                    self.delivered = delivered.max(self.base.map(|(epoch, _)| epoch));
                }
                _ => return Err(corrupt("a frame that has no business here")),
            }
        }
        Ok(())
    }

    /// Adds a batch behind the others, or replaces what another program wrote of it.
    fn add(
        &mut self,
        mark: Mark,
        incoming: &Incoming<'_>,
        entries: Vec<StoredEntry>,
        frame: &Frame,
    ) -> Result<(), &'static str> {
        if self.base.is_some_and(|(epoch, time)| mark.epoch <= epoch || mark.time <= time) {
            return Err("a batch that the base holds already");
        }
        let log = self.logs.last_mut().expect("the batch is of a log");
        log.first.get_or_insert(mark.epoch);
        log.last = log.last.max(Some(mark.epoch));
        let log = log.number;
        let at = self.batches.partition_point(|batch| batch.mark.epoch < mark.epoch);
        if at > 0 && self.batches[at - 1].mark.time >= mark.time {
            return Err("a batch whose time is not after that of the one before");
        }
        let bytes = frame.payload.end - frame.at;
        let batch = Batch { mark, program: incoming.program.clone(), entries, bytes: bytes as u64, log };
        match self.batches.get_mut(at) {
            Some(old) if old.mark.time != batch.mark.time => Err("a batch that ran again at another time"),
            Some(old) => {
                *old = batch;
                Ok(())
            }
            None => {
                self.batches.push(batch);
                Ok(())
            }
        }
    }
}

impl Incoming<'_> {
    fn corrupt(&self, frame: &Frame) -> impl Fn(&'static str) -> CheckpointError {
        move |what| CheckpointError::corrupt(self.name, frame.at, what)
    }

    fn input(
        &self,
        frame: &Frame,
        port: u32,
        first: u64,
        count: u64,
        bytes: Range<usize>,
    ) -> Result<StoredInput, CheckpointError> {
        let port = self.ports.get(port as usize).ok_or("input of a source that there is not");
        let port = port.map_err(self.corrupt(frame))?.clone();
        first.checked_add(count).ok_or("records beyond all numbers").map_err(self.corrupt(frame))?;
        Ok(StoredInput { port, first, count, file: self.index, bytes: within(frame, bytes) })
    }

    fn stored(&self, raw: RawEntry, offset: usize) -> Result<StoredEntry, &'static str> {
        let operator =
            self.operators.get(raw.operator as usize).ok_or("state of an operator that there is not")?;
        Ok(StoredEntry {
            operator: *operator,
            epoch: 0,
            time: BatchTime::default(),
            worker: 0,
            keys: raw.keys,
            until: raw.until,
            file: self.index,
            bytes: raw.bytes.start + offset..raw.bytes.end + offset,
        })
    }

    /// The entries of a base's frame.
    fn state(
        &self,
        frame: &Frame,
        bytes: &[u8],
        entries: Range<usize>,
        into: &mut Vec<StoredEntry>,
    ) -> Result<(), CheckpointError> {
        let range = within(frame, entries);
        let part = &bytes[range.clone()];
        let mut reader = FormatReader::new(part);
        let mut one = || {
            let (epoch, time, worker) = (reader.u64()?, reader.time()?, reader.u32()?);
            let stored = self.stored(RawEntry::read(&mut reader, part)?, range.start)?;
            into.push(StoredEntry { epoch, time, worker, ..stored });
            Ok(reader.is_at_end())
        };
        while !one().map_err(self.corrupt(frame))? {}
        Ok(())
    }

    /// The entries of a batch, by worker.
    fn parts(
        &self,
        frame: &Frame,
        bytes: &[u8],
        mark: &Mark,
        mut parts: Vec<(u32, Range<usize>)>,
    ) -> Result<Vec<StoredEntry>, CheckpointError> {
        if mark.sources.len() != self.program.sources.len() {
            return Err(self.corrupt(frame)("a batch of other sources than the program's"));
        }
        let mut entries = Vec::new();
        parts.sort_by_key(|(worker, _)| *worker);
        for (worker, range) in parts {
            let range = within(frame, range);
            let part = &bytes[range.clone()];
            let mut reader = FormatReader::new(part);
            while !reader.is_at_end() {
                let raw = RawEntry::read(&mut reader, part);
                let stored =
                    raw.and_then(|raw| self.stored(raw, range.start)).map_err(self.corrupt(frame))?;
                entries.push(StoredEntry { epoch: mark.epoch, time: mark.time, worker, ..stored });
            }
        }
        Ok(entries)
    }
}

/// A range of the frame's payload as one of the file.
fn within(frame: &Frame, range: Range<usize>) -> Range<usize> {
    range.start + frame.payload.start..range.end + frame.payload.start
}

fn head(name: &str, kind: Kind, number: u64, bytes: &[u8]) -> Result<Head, CheckpointError> {
    match Head::decode(bytes) {
        Ok(head) if (head.kind, head.number) == (kind, number) => Ok(head),
        Ok(head) => {
            let what = format!("it is `{}` under another name", head.kind.name(head.number));
            Err(CheckpointError::corrupt(name, 0, what))
        }
        Err(BadHead::Damaged) => Err(CheckpointError::corrupt(name, 0, "its head is damaged")),
        Err(BadHead::Version(version)) => {
            Err(CheckpointError::Version { file: name.to_owned(), version, known: VERSION })
        }
    }
}
