//! Text files, read to their end.

mod changes;
mod head;
mod position;

use std::{
    fs::{
        File, {self},
    },
    io::{
        Read, Seek, SeekFrom, {self},
    },
    path::{Path, PathBuf},
};

use self::{
    changes::{PROBE, Steady, checksum},
    head::{HEAD, MARK, other_than_text},
    position::FilePosition,
};
use crate::{
    connectors::{
        blocking::blocking,
        lines::{LineDecoder, LineRules, line_settings},
    },
    contract::{
        error::ConnectorError,
        recovery::Recovery,
        source::Source,
        target::{Origin, resolved},
    },
    intake::source_context::SourceContext,
};

/// What one read asks for at most.
const MAX_READ: usize = 256 * 1024;

/// A source of the lines of a text file; it ends with the file.
///
/// A line ends at `\n` or `\r\n`; the last one may lack it. The file must be a regular file, not a pipe. It is read up to the length
/// that it has when it is opened, in pieces of up to 256 KiB, one piece ahead. A UTF-8 byte order mark is dropped. A file that is
/// compressed or in another encoding, by its first bytes, is refused.
///
/// The file must not change while it is read. One that becomes shorter, is rewritten or replaced is an error, after the lines that
/// were read before. Appending to it and removing its name do no harm. (Bytes that are overwritten in the part that was read are not
/// noticed.)
///
/// The file is a [partition](crate::connect::Partition), called by its path: the job's metrics have its lines, and with a checkpoint its position.
///
/// # After a crash
/// Each line is there once. A job that goes on from a checkpoint reads on where its last batch ended, up to the length that the file
/// had at first. The file must be the same: one that is shorter, or different at its beginning or in the 4 KiB before that position,
/// is refused. Other changes are not noticed. What is appended is not read.
///
/// ```
/// use streaming_runtime::connect::{OnLongLine, file};
///
/// let source = file::lines("access.log").max_line(1 << 20).on_long_line(OnLongLine::Skip);
/// # let _ = source;
/// ```
///
/// # Errors
/// [`ConnectorError::Io`] with the path when the file cannot be opened or read, [`ConnectorError::Config`]
/// when it is no regular file, [`ConnectorError::NotText`] and [`ConnectorError::ChangedWhileRead`] as above,
/// [`ConnectorError::Changed`] when it is another after a crash, and what
/// [`on_long_line`](Lines::on_long_line) and [`on_invalid_utf8`](Lines::on_invalid_utf8) make one. Each ends the job,
/// after the lines before it; by default a long line is such an error, what is not UTF-8 is replaced, and
/// [`bad_lines`](Lines::bad_lines) counts both.
pub fn lines(path: impl AsRef<Path>) -> Lines {
    Lines { path: path.as_ref().to_owned(), rules: LineRules::of_files() }
}

/// See [`lines`].
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    rules: LineRules,
}

impl Lines {
    line_settings!("Fail");
}

impl Source<String> for Lines {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    fn origin(&self) -> Option<Origin> {
        let path = self.path.clone();
        Some(Origin::files(move |file| file == resolved(&path)))
    }

    async fn run(self, out: SourceContext<String>) -> Result<(), ConnectorError> {
        let Lines { path, rules } = self;
        let mut of_file = out.sole_partition(path.display().to_string());
        let position = match of_file.resume_from()? {
            Some(position) => Some(position),
            // Nothing of it is in the state, but it is known which file it was.
            None => of_file.replay_position()?.map(FilePosition::beginning),
        };
        let keeps = out.keeps_positions();
        let first = blocking(move || {
            let mut reading = FileReading::open(&path, rules)?;
            let position = reading.resume(position)?;
            if keeps {
                reading.positions = Some(position.clone());
            }
            Ok::<_, ConnectorError>((reading.next(), position))
        });
        let (mut piece, position) = first.await??;
        of_file.send(Vec::new(), &position).await?;
        loop {
            let FilePiece { lines, read, outcome, rest } = piece;
            let following = rest.map(|reading| blocking(move || reading.next()));
            match &read.position {
                Some(position) => of_file.send(lines, position).await?,
                // Nobody keeps it, or the file is not what it was.
                None => of_file.send_unplaced(lines).await?,
            }
            outcome?;
            match following {
                Some(following) => piece = following.await?,
                None => return Ok(()),
            }
        }
    }
}

/// Sends the lines of a file piece by piece, what comes before an error too; `sent` is called after each piece.
pub(crate) async fn send(
    mut piece: FilePiece,
    out: &mut SourceContext<String>,
    mut sent: impl FnMut(&mut SourceContext<String>, &Progress) + Send,
) -> Result<(), ConnectorError> {
    loop {
        // The next piece is read while the workers take this one.
        let following = piece.rest.map(|reading| blocking(move || reading.next()));
        out.send_all(piece.lines).await?;
        sent(out, &piece.read);
        piece.outcome?;
        match following {
            Some(following) => piece = following.await?,
            None => return Ok(()),
        }
    }
}

/// A file that is being read.
pub(crate) struct FileReading {
    path: PathBuf,
    file: File,
    decoder: LineDecoder,
    /// Whether its first bytes were not checked yet.
    is_new: bool,
    steady: Steady,
    /// What is left of that which is to be read.
    left: u64,
    /// Whether a line ends where that ends.
    whole: bool,
    /// The checksum of what was read, where it is wanted.
    sum: Option<crc32fast::Hasher>,
    /// Where the decoder began, where positions are wanted.
    positions: Option<FilePosition>,
}

/// Lines that were read together.
pub(crate) struct FilePiece {
    lines: Vec<String>,
    read: Progress,
    outcome: Result<(), ConnectorError>,
    /// The file, unless it is at its end or cannot be read further.
    rest: Option<FileReading>,
}

/// How far the reading of a file is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Bytes.
    pub(crate) length: u64,
    /// Of these bytes.
    pub(crate) sum: u32,
    position: Option<FilePosition>,
}

impl FileReading {
    pub(crate) fn open(path: &Path, rules: LineRules) -> Result<Self, ConnectorError> {
        let what = path.display().to_string();
        let failed = |error| ConnectorError::io(format!("open `{what}`"), error);
        // Asked before opening: to open a pipe would wait for its writer.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(ConnectorError::Config(format!("`{what}` is no regular file")));
        }
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        let decoder = LineDecoder::new(what, rules, MAX_READ);
        Ok(FileReading {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            file,
            decoder,
            is_new: true,
            steady: Steady::new(&about),
            left: u64::MAX,
            whole: true,
            sum: None,
            positions: None,
        })
    }

    /// Computes the checksum of what is read.
    pub(crate) fn summed(mut self) -> Self {
        self.sum = Some(crc32fast::Hasher::new());
        self
    }

    /// Reads exactly this many bytes; the last line counts if they are the `whole` file.
    pub(crate) fn only(mut self, bytes: u64, whole: bool) -> Self {
        (self.left, self.whole) = (bytes, whole);
        // The reader notices if there are fewer.
        self.steady.needs(0);
        self
    }

    /// Reads until there is a line, or the end.
    pub(crate) fn next(mut self) -> FilePiece {
        let mut lines = Vec::new();
        let outcome = self.read(&mut lines);
        let length = self.decoder.taken();
        let sum = self.sum.as_ref().map_or(0, |sum| sum.clone().finalize());
        let (outcome, position) = match outcome.and_then(|more| Ok((more, self.position(more)?))) {
            Ok((more, position)) => (Ok(more), position),
            Err(error) => (Err(error), None),
        };
        let rest = matches!(outcome, Ok(true)).then_some(self);
        FilePiece { lines, read: Progress { length, sum, position }, outcome: outcome.map(|_| ()), rest }
    }

    /// Whether there is more to read.
    fn read(&mut self, lines: &mut Vec<String>) -> Result<bool, ConnectorError> {
        if std::mem::take(&mut self.is_new) {
            self.begin()?;
        }
        loop {
            let offset = self.decoder.offset();
            let room = self.decoder.room();
            let most = room.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let room = &mut room[..most];
            match self.file.read(room) {
                Ok(0) => return self.end(lines).map(|()| false),
                Ok(n) => {
                    self.left -= n as u64;
                    if let Some(sum) = &mut self.sum {
                        sum.update(&room[..n]);
                    }
                    // Before its lines count: the lines before them may be of another text.
                    unchanged(&mut self.steady, &self.file, &self.path, offset + n as u64)?;
                    self.steady.read(offset, &room[..n]);
                    self.decoder.accept(n, lines)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
            if !lines.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Looks at its first bytes, and leaves out what is no text.
    fn begin(&mut self) -> Result<(), ConnectorError> {
        let mut head = Vec::with_capacity(HEAD);
        let most = self.left.min(HEAD as u64);
        (&self.file).take(most).read_to_end(&mut head).map_err(|error| self.failed(error))?;
        if let Some(kind) = other_than_text(&head) {
            return Err(ConnectorError::NotText { what: self.path.display().to_string(), kind });
        }
        if head.starts_with(MARK) {
            self.decoder.leave_out(MARK.len() as u64);
            self.left -= MARK.len() as u64;
            if let Some(sum) = &mut self.sum {
                sum.update(MARK);
            }
        }
        let behind = SeekFrom::Start(self.decoder.offset());
        self.file.seek(behind).map(drop).map_err(|error| self.failed(error))
    }

    /// There is no more to read.
    fn end(&mut self, lines: &mut Vec<String>) -> Result<(), ConnectorError> {
        let offset = self.decoder.offset();
        unchanged(&mut self.steady, &self.file, &self.path, offset)?;
        if self.steady.is_replaced(&self.path) {
            let what = self.path.display().to_string();
            return Err(ConnectorError::ChangedWhileRead {
                what,
                how: "another was put in its place".to_owned(),
            });
        }
        if self.whole { self.decoder.finish(lines) } else { Ok(()) }
    }

    fn failed(&self, error: io::Error) -> ConnectorError {
        ConnectorError::io(format!("read `{}`", self.path.display()), error)
    }

    /// Goes to `position`, if the file is the one of before; returns where it is.
    fn resume(&mut self, position: Option<FilePosition>) -> Result<FilePosition, ConnectorError> {
        let length = self.file.metadata().map_err(|error| self.failed(error))?.len();
        let Some(position) = position else {
            let head = self.probe(0, length.min(PROBE))?;
            self.file.rewind().map_err(|error| self.failed(error))?;
            // There are files of the length 0, as in `/proc`, that are not empty.
            let says = length > 0 || self.is_at_end()?;
            let length = says.then_some(length);
            self.left = length.unwrap_or(u64::MAX);
            self.steady.needs(length.unwrap_or(0));
            return Ok(FilePosition { offset: 0, length, head, before: 0 });
        };
        let changed = |how| Err(ConnectorError::Changed { what: self.decoder.what().to_owned(), how });
        let had = position.length.unwrap_or(0);
        if length < had {
            return changed(format!("it has {length} bytes and had {had}"));
        }
        if self.probe(0, had.min(PROBE))? != position.head {
            return changed("it begins with other text".to_owned());
        }
        if self.before(position.offset)? != position.before {
            return changed(format!(
                "it has other text before byte {}, up to which it was read",
                position.offset
            ));
        }
        self.left = position.length.map_or(u64::MAX, |length| length.saturating_sub(position.offset));
        self.steady.needs(had);
        self.is_new = position.offset == 0;
        self.decoder.begin_at(position.offset);
        self.file.seek(SeekFrom::Start(position.offset)).map_err(|error| self.failed(error))?;
        Ok(position)
    }

    /// Where the first line begins that was not read.
    fn position(&mut self, more: bool) -> Result<Option<FilePosition>, ConnectorError> {
        let Some(began) = self.positions.clone() else { return Ok(None) };
        let read = if more { self.decoder.line() } else { self.decoder.taken() };
        let offset = began.offset + read;
        let before = self.before(offset)?;
        let here = SeekFrom::Start(began.offset + self.decoder.taken());
        self.file.seek(here).map_err(|error| self.failed(error))?;
        Ok(Some(FilePosition { offset, before, ..began }))
    }

    /// Whether there is nothing to read at the file's beginning, where it stands.
    fn is_at_end(&mut self) -> Result<bool, ConnectorError> {
        let read = self.file.read(&mut [0]).and_then(|bytes| self.file.rewind().map(|()| bytes == 0));
        read.map_err(|error| self.failed(error))
    }

    /// The checksum of what lies before `offset`.
    fn before(&self, offset: u64) -> Result<u32, ConnectorError> {
        let bytes = offset.min(PROBE);
        self.probe(offset - bytes, bytes)
    }

    /// The checksum of `bytes` bytes at `offset`, or of those that there are; the file is then read from there.
    fn probe(&self, offset: u64, bytes: u64) -> Result<u32, ConnectorError> {
        checksum(&self.file, offset, bytes).map_err(|error| self.failed(error))
    }
}

/// Fails if what was read is not in the file any more. It is then read from `offset`.
fn unchanged(steady: &mut Steady, file: &File, path: &Path, offset: u64) -> Result<(), ConnectorError> {
    let what = || path.display().to_string();
    match steady.changed(file, offset) {
        Ok(None) => Ok(()),
        Ok(Some(how)) => Err(ConnectorError::ChangedWhileRead { what: what(), how }),
        Err(error) => Err(ConnectorError::io(format!("read `{}`", what()), error)),
    }
}

#[cfg(test)]
mod tests;
