//! The inside of frames. All numbers are little-endian; texts and bytes have their length before them.

use crate::{
    checkpoint::{Edits, Mark, OperatorEntry, Program, ReplayOrigin, SinkEntry, SourceEntry, SourceMark},
    ids::Epoch,
    stream::timeline::{Follows, Jump, Stretch, Timeline},
    time::BatchTime,
};
use std::ops::Range;

const PROGRAM: u8 = 1;
const EPOCH: u8 = 2;
const INPUT: u8 = 3;
const NOTE: u8 = 4;
const BASE: u8 = 5;
const STATE: u8 = 6;
const END: u8 = 7;
const JUMP: u8 = 8;
const TIMELINE: u8 = 9;

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The first of each file.
    Program { program: Program, edits: Edits, again: Option<Epoch> },
    /// A batch: what it took in, and where in the payload the parts of the workers are.
    Epoch { mark: Mark, delivered: Option<Epoch>, parts: Vec<(u32, Range<usize>)> },
    /// Where time did not go on closely, as far as it matters: behind the second of a base, if there is anything to say.
    Timeline(Timeline),
    /// Input of a source; the port is a place in the program's sources, in a base in the base's.
    Input { port: u32, first: u64, count: u64, bytes: Range<usize> },
    /// The last of a log that was closed.
    Note { delivered: Option<Epoch> },
    /// The second frame of a base: its batch, and the operators and sources of its entries and inputs.
    Base { epoch: Epoch, time: BatchTime, operators: Vec<String>, sources: Vec<(String, SourceMark)> },
    /// Entries of a base, each behind `epoch, time, worker`.
    State { entries: Range<usize> },
    /// The last of a base, so that one that is cut off is known.
    End { frames: u64, entries: u64 },
}

fn put_u32(into: &mut Vec<u8>, number: u32) {
    into.extend_from_slice(&number.to_le_bytes());
}

fn put_u64(into: &mut Vec<u8>, number: u64) {
    into.extend_from_slice(&number.to_le_bytes());
}

/// Frames have a limit that is checked when they are complete, so a count never comes near that of a `u32`.
fn put_count(into: &mut Vec<u8>, count: usize) {
    put_u32(into, u32::try_from(count).expect("lists are shorter than 4 Gi"));
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_option(into: &mut Vec<u8>, number: Option<u64>) {
    into.push(number.is_some() as u8);
    put_u64(into, number.unwrap_or(0));
}

fn put_texts<'a>(into: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a String>) {
    put_count(into, texts.len());
    texts.for_each(|text| put_bytes(into, text.as_bytes()));
}

fn put_source(into: &mut Vec<u8>, source: &SourceMark) {
    [source.records, source.total, source.since].into_iter().for_each(|number| put_u64(into, number));
    into.push(source.position.is_some() as u8);
    into.push(source.ended as u8);
    put_bytes(into, source.position.as_deref().unwrap_or(&[]));
}

fn put_replay_origin(into: &mut Vec<u8>, replay_origin: &ReplayOrigin) {
    match replay_origin {
        ReplayOrigin::Never => into.push(0),
        ReplayOrigin::FromSource => into.push(1),
        ReplayOrigin::FromLog { records } => {
            into.push(2);
            put_bytes(into, records.as_bytes());
        }
    }
}

pub(super) fn program(into: &mut Vec<u8>, program: &Program, edits: &Edits, again: Option<Epoch>) {
    into.push(PROGRAM);
    put_bytes(into, program.pipeline.as_bytes());
    put_count(into, program.sources.len());
    for source in &program.sources {
        put_bytes(into, source.port.as_bytes());
        put_replay_origin(into, &source.replay_origin);
    }
    put_count(into, program.sinks.len());
    for sink in &program.sinks {
        put_bytes(into, sink.port.as_bytes());
        put_option(into, sink.since.map(BatchTime::as_nanos));
    }
    put_u32(into, program.processes);
    put_u32(into, program.workers);
    put_option(into, program.moved.map(BatchTime::as_nanos));
    put_count(into, program.operators.len());
    for operator in &program.operators {
        put_bytes(into, operator.id.as_bytes());
        put_bytes(into, operator.state.as_bytes());
    }
    put_texts(into, edits.rename.keys().collect::<Vec<_>>().into_iter());
    edits.rename.values().for_each(|new| put_bytes(into, new.as_bytes()));
    put_texts(into, edits.forget.iter());
    put_option(into, again);
    put_texts(into, program.operators.iter().map(|operator| &operator.mark).collect::<Vec<_>>().into_iter());
    if let Some(identity) = program.identity {
        into.extend_from_slice(&identity.to_le_bytes());
        program.operators.iter().for_each(|operator| put_option(into, operator.initial));
    }
}

pub(super) fn epoch(into: &mut Vec<u8>, mark: &Mark, delivered: Option<Epoch>, parts: &[(u32, Vec<u8>)]) {
    if mark.follows != Follows::Closely {
        into.push(JUMP);
        put_follows(into, mark.follows);
    }
    into.push(EPOCH);
    put_u64(into, mark.epoch);
    put_u64(into, mark.time.as_nanos());
    put_option(into, delivered);
    put_count(into, mark.sources.len());
    mark.sources.iter().for_each(|source| put_source(into, source));
    put_count(into, parts.len());
    for (worker, bytes) in parts {
        put_u32(into, *worker);
        put_bytes(into, bytes);
    }
}

/// Where time did not go on closely.
pub(super) fn timeline(into: &mut Vec<u8>, timeline: &Timeline) {
    into.push(TIMELINE);
    put_count(into, timeline.stretches().len());
    for stretch in timeline.stretches() {
        put_u64(into, stretch.upto.as_nanos());
        put_follows(into, stretch.follows);
    }
}

fn put_follows(into: &mut Vec<u8>, follows: Follows) {
    let (kind, jump) = match follows {
        Follows::Closely => (0, None),
        Follows::AtTheEnd(jump) => (1, Some(jump)),
        Follows::AfterMissed(jump) => (2, Some(jump)),
    };
    into.push(kind);
    if let Some(Jump { from, settled }) = jump {
        put_u64(into, from.as_nanos());
        put_u64(into, settled.as_nanos());
    }
}

pub(super) fn input(into: &mut Vec<u8>, port: u32, first: u64, count: u64, bytes: &[u8]) {
    into.push(INPUT);
    put_u32(into, port);
    put_u64(into, first);
    put_u64(into, count);
    put_bytes(into, bytes);
}

pub(super) fn note(into: &mut Vec<u8>, delivered: Option<Epoch>) {
    into.push(NOTE);
    put_option(into, delivered);
}

pub(super) fn base(
    into: &mut Vec<u8>,
    (epoch, time): (Epoch, BatchTime),
    operators: &[String],
    sources: &[(String, SourceMark)],
) {
    into.push(BASE);
    put_u64(into, epoch);
    put_u64(into, time.as_nanos());
    put_texts(into, operators.iter());
    put_count(into, sources.len());
    for (port, source) in sources {
        put_bytes(into, port.as_bytes());
        put_source(into, source);
    }
}

/// The beginning of a frame of entries; [`entry`] begins each of them.
pub(super) fn state(into: &mut Vec<u8>) {
    into.push(STATE);
}

/// Of which batch and worker the entry is that is written next.
pub(super) fn entry(into: &mut Vec<u8>, (epoch, time): (Epoch, BatchTime), worker: u32) {
    put_u64(into, epoch);
    put_u64(into, time.as_nanos());
    put_u32(into, worker);
}

pub(super) fn end(into: &mut Vec<u8>, frames: u64, entries: u64) {
    into.push(END);
    put_u64(into, frames);
    put_u64(into, entries);
}

impl Record {
    /// What the payload says. Its checksum was right, so an error is a mistake of the program that wrote it; it is an
    /// error all the same, and not a panic.
    pub(super) fn decode(payload: &[u8]) -> Result<Record, &'static str> {
        let mut reader = FormatReader::new(payload);
        let record = match reader.u8()? {
            PROGRAM => reader.program()?,
            EPOCH => reader.epoch(Follows::Closely)?,
            JUMP => {
                let follows = reader.follows()?;
                match reader.u8()? {
                    EPOCH => reader.epoch(follows)?,
                    _ => return Err("a jump of something else than a batch"),
                }
            }
            TIMELINE => Record::Timeline(reader.timeline()?),
            INPUT => Record::Input {
                port: reader.u32()?,
                first: reader.u64()?,
                count: reader.u64()?,
                bytes: reader.bytes()?,
            },
            NOTE => Record::Note { delivered: reader.option()? },
            BASE => Record::Base {
                epoch: reader.u64()?,
                time: reader.time()?,
                operators: reader.texts()?,
                sources: reader.list(|reader| Ok((reader.text()?, reader.source()?)))?,
            },
            STATE => Record::State { entries: reader.rest() },
            END => Record::End { frames: reader.u64()?, entries: reader.u64()? },
            _ => return Err("a frame of an unknown kind"),
        };
        if reader.is_at_end() { Ok(record) } else { Err("a frame is longer than what it says") }
    }
}

/// Reads from the front, and remembers where it is.
#[derive(Debug)]
pub(super) struct FormatReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> FormatReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        FormatReader { bytes, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<Range<usize>, &'static str> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let range = self.at..end.ok_or("a frame is shorter than what it says")?;
        self.at = range.end;
        Ok(range)
    }

    pub(super) fn u8(&mut self) -> Result<u8, &'static str> {
        Ok(self.bytes[self.take(1)?][0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, &'static str> {
        Ok(u32::from_le_bytes(self.bytes[self.take(4)?].try_into().expect("four bytes")))
    }

    pub(super) fn u64(&mut self) -> Result<u64, &'static str> {
        Ok(u64::from_le_bytes(self.bytes[self.take(8)?].try_into().expect("eight bytes")))
    }

    fn u128(&mut self) -> Result<u128, &'static str> {
        Ok(u128::from_le_bytes(self.bytes[self.take(16)?].try_into().expect("sixteen bytes")))
    }

    pub(super) fn time(&mut self) -> Result<BatchTime, &'static str> {
        Ok(BatchTime::from_nanos(self.u64()?))
    }

    fn rest(&mut self) -> Range<usize> {
        let range = self.at..self.bytes.len();
        self.at = range.end;
        range
    }

    fn bytes(&mut self) -> Result<Range<usize>, &'static str> {
        let length = self.u64()?;
        self.take(usize::try_from(length).map_err(|_| "a length that cannot be")?)
    }

    fn text(&mut self) -> Result<String, &'static str> {
        let range = self.bytes()?;
        String::from_utf8(self.bytes[range].to_vec()).map_err(|_| "a text that is none")
    }

    fn flag(&mut self) -> Result<bool, &'static str> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("neither yes nor no"),
        }
    }

    fn option(&mut self) -> Result<Option<u64>, &'static str> {
        let there = self.flag()?;
        let number = self.u64()?;
        Ok(there.then_some(number))
    }

    fn maybe_time(&mut self) -> Result<Option<BatchTime>, &'static str> {
        Ok(self.option()?.map(BatchTime::from_nanos))
    }

    fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, &'static str> {
        (0..self.u32()?).map(|_| one(self)).collect()
    }

    fn texts(&mut self) -> Result<Vec<String>, &'static str> {
        self.list(FormatReader::text)
    }

    fn source(&mut self) -> Result<SourceMark, &'static str> {
        let (records, total, since) = (self.u64()?, self.u64()?, self.u64()?);
        let (there, ended) = (self.flag()?, self.flag()?);
        let position = self.bytes()?;
        let position = there.then(|| self.bytes[position].to_vec());
        Ok(SourceMark { records, total, position, since, ended })
    }

    fn replay_origin(&mut self) -> Result<ReplayOrigin, &'static str> {
        match self.u8()? {
            0 => Ok(ReplayOrigin::Never),
            1 => Ok(ReplayOrigin::FromSource),
            2 => Ok(ReplayOrigin::FromLog { records: self.text()? }),
            _ => Err("a source of an unknown kind"),
        }
    }

    fn program(&mut self) -> Result<Record, &'static str> {
        let mut program = Program {
            pipeline: self.text()?,
            sources: self.list(|reader| {
                Ok(SourceEntry { port: reader.text()?, replay_origin: reader.replay_origin()? })
            })?,
            sinks: self.list(|reader| Ok(SinkEntry { port: reader.text()?, since: reader.maybe_time()? }))?,
            processes: self.u32()?,
            workers: self.u32()?,
            moved: self.maybe_time()?,
            operators: self.list(|reader| {
                Ok(OperatorEntry { id: reader.text()?, state: reader.text()?, ..OperatorEntry::default() })
            })?,
            identity: None,
        };
        let old = self.texts()?;
        let rename =
            old.into_iter().map(|old| Ok((old, self.text()?))).collect::<Result<_, &'static str>>()?;
        let forget = self.texts()?.into_iter().collect();
        let again = self.option()?;
        // A release that knew no marks ends here.
        if !self.is_at_end() {
            let marks = self.texts()?;
            program.operators.iter_mut().zip(marks).for_each(|(operator, mark)| operator.mark = mark);
        }
        // Version 2 ended here.
        if !self.is_at_end() {
            program.identity = Some(self.u128()?);
            for operator in &mut program.operators {
                operator.initial = self.option()?;
            }
        }
        Ok(Record::Program { program, edits: Edits { rename, forget }, again })
    }

    fn follows(&mut self) -> Result<Follows, &'static str> {
        let kind = self.u8()?;
        let mut jump = || Ok(Jump { from: self.time()?, settled: self.time()? });
        match kind {
            0 => Ok(Follows::Closely),
            1 => jump().map(Follows::AtTheEnd),
            2 => jump().map(Follows::AfterMissed),
            _ => Err("a batch that follows in an unknown way"),
        }
    }

    fn timeline(&mut self) -> Result<Timeline, &'static str> {
        let stretches =
            self.list(|reader| Ok(Stretch { upto: reader.time()?, follows: reader.follows()? }))?;
        Ok(stretches.into_iter().collect())
    }

    fn epoch(&mut self, follows: Follows) -> Result<Record, &'static str> {
        let (epoch, time, delivered) = (self.u64()?, self.time()?, self.option()?);
        let sources = self.list(FormatReader::source)?;
        let parts = self.list(|reader| Ok((reader.u32()?, reader.bytes()?)))?;
        Ok(Record::Epoch { mark: Mark { epoch, time, follows, sources }, delivered, parts })
    }
}
