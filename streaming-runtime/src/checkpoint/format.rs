//! The inside of frames. All numbers are little-endian; texts and bytes have their length before them.

mod write;

use std::ops::Range;

use self::write::{BASE, CLOSING, END, EPOCH, INPUT, JUMP, PROGRAM, STATE, TIMELINE};
pub(super) use self::write::{base, closing, end, entry, epoch, input, program, state, timeline};
use crate::{
    checkpoint::{Edits, Mark, OperatorEntry, Program, ReplayOrigin, SinkEntry, SourceEntry, SourceMark},
    ids::Epoch,
    time::BatchTime,
    timeline::{Follows, Jump, Stretch, Timeline},
};

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
    Closing { delivered: Option<Epoch> },
    /// The second frame of a base: its batch, and the operators and sources of its entries and inputs.
    Base { epoch: Epoch, time: BatchTime, operators: Vec<String>, sources: Vec<(String, SourceMark)> },
    /// Entries of a base, each behind `epoch, time, worker`.
    State { entries: Range<usize> },
    /// The last of a base, so that one that is cut off is known.
    End { frames: u64, entries: u64 },
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
            CLOSING => Record::Closing { delivered: reader.option()? },
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
