//! Bytes into lines, for every connector that reads text.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{contract::error::ConnectorError, intake::source_context::SourceContext};

/// Default bound on a line, in bytes, without its end.
pub(crate) const MAX_LINE: usize = 64 * 1024;
/// What a decoder asks for first; it doubles while reads fill it, so that quiet peers stay cheap.
const FIRST_READ: usize = 8 * 1024;

/// What to do with a line that is longer than the bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLongLine {
    /// The connector fails with [`ConnectorError::LineTooLong`]. The default of files, so that nothing is missing.
    Fail,
    /// The line is skipped and counted in [`BadLines`]. The default of sockets, so that a client cannot end the job.
    #[default]
    Skip,
}

/// What to do with a line that is not UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnInvalidUtf8 {
    /// The connector fails with [`ConnectorError::InvalidUtf8`].
    Fail,
    /// The line is skipped and counted in [`BadLines`].
    Skip,
    /// Bytes that are not UTF-8 become U+FFFD, and the line is counted in [`BadLines`]. The default, as in Spark.
    #[default]
    Replace,
}

/// How many lines a connector has skipped or mended. Clones share the counts; read them at any time.
///
/// ```
/// use streaming_runtime::connect::tcp;
///
/// let source = tcp::lines("127.0.0.1:9999");
/// let bad = source.bad_lines(); // keep it, then give the source to a job
/// assert_eq!(bad.too_long() + bad.invalid_utf8(), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct BadLines(Arc<LineCounters>);

#[derive(Debug, Default)]
struct LineCounters {
    too_long: AtomicU64,
    invalid_utf8: AtomicU64,
}

impl BadLines {
    /// Lines above the bound on their length.
    pub fn too_long(&self) -> u64 {
        self.0.too_long.load(Ordering::Relaxed)
    }
    /// Lines that were not UTF-8, skipped or mended.
    pub fn invalid_utf8(&self) -> u64 {
        self.0.invalid_utf8.load(Ordering::Relaxed)
    }

    /// Shows them in the job's metrics.
    pub(crate) fn show(&self, out: &SourceContext<String>) {
        out.count_all(
            self,
            [("lines_too_long", BadLines::too_long), ("lines_invalid_utf8", BadLines::invalid_utf8)],
        );
    }
}

/// The settings of one connector; clones count into the same [`BadLines`].
#[derive(Clone, Debug)]
pub(crate) struct LineRules {
    pub(crate) limit: usize,
    pub(crate) on_long: OnLongLine,
    pub(crate) on_invalid: OnInvalidUtf8,
    pub(crate) bad: BadLines,
}

impl Default for LineRules {
    fn default() -> Self {
        LineRules {
            limit: MAX_LINE,
            on_long: OnLongLine::default(),
            on_invalid: OnInvalidUtf8::default(),
            bad: BadLines::default(),
        }
    }
}

impl LineRules {
    /// The defaults for files: nothing is skipped unless the author says so.
    pub(crate) fn of_files() -> Self {
        LineRules { on_long: OnLongLine::Fail, ..LineRules::default() }
    }

    /// Without the `\r` of a `\r\n`.
    fn take_text(&self, what: &str, line: &str, lines: &mut Vec<String>) -> Result<(), ConnectorError> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.len() > self.limit {
            return self.too_long(what, line.len());
        }
        lines.push(line.to_owned());
        Ok(())
    }

    fn take_bytes(&self, what: &str, line: &[u8], lines: &mut Vec<String>) -> Result<(), ConnectorError> {
        if let Ok(text) = str::from_utf8(line) {
            return self.take_text(what, text, lines);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.limit {
            return self.too_long(what, line.len());
        }
        if self.bad.0.invalid_utf8.fetch_add(1, Ordering::Relaxed) == 0 {
            let policy = self.on_invalid;
            tracing::warn!(from = what, ?policy, "a line is not UTF-8; later ones are only counted");
        }
        match self.on_invalid {
            OnInvalidUtf8::Fail => return Err(ConnectorError::InvalidUtf8 { what: what.to_owned() }),
            OnInvalidUtf8::Skip => {}
            OnInvalidUtf8::Replace => lines.push(String::from_utf8_lossy(line).into_owned()),
        }
        Ok(())
    }

    /// Of a line that has `length` bytes at least; where it is, the decoder knows.
    fn too_long(&self, what: &str, length: usize) -> Result<(), ConnectorError> {
        if self.bad.0.too_long.fetch_add(1, Ordering::Relaxed) == 0 {
            let (limit, policy) = (self.limit, self.on_long);
            tracing::warn!(from = what, limit, ?policy, "a line is too long; later ones are only counted");
        }
        match self.on_long {
            OnLongLine::Fail => {
                Err(ConnectorError::LineTooLong { what: what.to_owned(), limit: self.limit, at: 0, length })
            }
            OnLongLine::Skip => Ok(()),
        }
    }
}

/// Cuts what was read into lines at each `\n`. A line that has begun stays in here until its end is read.
///
/// Reads go straight into its buffer; a block of whole lines is checked for UTF-8 in one go. It holds at most
/// one line within the bound and one read.
pub(crate) struct LineDecoder {
    rules: LineRules,
    what: String,
    /// Input up to `filled`; what follows is room.
    buffer: Vec<u8>,
    filled: usize,
    /// What to offer to the next read, and at most.
    read: usize,
    max_read: usize,
    /// Inside of a line that was found too long.
    skipping: bool,
    /// Lines in the last block: what to make room for in the next.
    usual: usize,
    /// Where in the whole the decoder began.
    base: u64,
    /// Bytes that were read in all.
    taken: u64,
    /// Where the line begins whose end was not read yet.
    line: u64,
}

impl LineDecoder {
    /// For bytes from `what`, which errors name, in reads of `max_read` bytes at most.
    pub(crate) fn new(what: String, rules: LineRules, max_read: usize) -> Self {
        let read = FIRST_READ.min(max_read);
        LineDecoder {
            rules,
            what,
            buffer: Vec::new(),
            filled: 0,
            read,
            max_read,
            skipping: false,
            usual: 0,
            base: 0,
            taken: 0,
            line: 0,
        }
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// It begins at byte `base` of the whole.
    pub(crate) fn begin_at(&mut self, base: u64) {
        self.base = base;
    }

    /// Bytes at the beginning that are in no line.
    pub(crate) fn leave_out(&mut self, bytes: u64) {
        self.taken += bytes;
        self.line += bytes;
    }

    /// Where in the whole the next read goes on.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.taken
    }

    /// Bytes that were read in all.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Where the unfinished line begins. What follows does not depend on what was before it.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of the line that has begun.
    pub(crate) fn unfinished(&self) -> usize {
        self.filled
    }

    /// Frees memory down to the unfinished line, until there is something to read.
    pub(crate) fn give_room_back(&mut self) {
        if self.buffer.len() > self.filled {
            self.buffer.truncate(self.filled);
            self.buffer.shrink_to_fit();
        }
    }

    /// Where the next read goes.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let end = self.filled + self.read;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.filled..end]
    }

    /// Takes the `n` bytes that were read into [`room`](LineDecoder::room) and adds the lines that they end.
    pub(crate) fn accept(&mut self, n: usize, lines: &mut Vec<String>) -> Result<(), ConnectorError> {
        if n == self.read {
            self.read = (self.read * 2).min(self.max_read);
        }
        let fresh = self.filled;
        self.filled += n;
        self.taken += n as u64;
        // There is no end of line before `fresh`, so nothing is searched twice, however slowly a line arrives.
        if let Some(last) = self.buffer[fresh..self.filled].iter().rposition(|&byte| byte == b'\n') {
            let end = fresh + last;
            let outcome = self.cut(end, lines).map_err(|error| self.placed(error, end));
            self.buffer.copy_within(end + 1..self.filled, 0);
            self.filled -= end + 1;
            self.line = self.taken - self.filled as u64;
            outcome?;
        }
        if self.skipping {
            self.filled = 0;
        } else if self.filled > self.rules.limit.saturating_add(1) {
            // One byte more than the bound may be the `\r` of its end.
            let length = std::mem::take(&mut self.filled);
            self.skipping = true;
            self.rules.too_long(&self.what, length).map_err(|error| self.placed(error, 0))?;
        }
        Ok(())
    }

    /// The lines before the `\n` at `end`.
    fn cut(&mut self, end: usize, lines: &mut Vec<String>) -> Result<(), ConnectorError> {
        let mut start = 0;
        if std::mem::take(&mut self.skipping) {
            start = 1 + self.buffer.iter().position(|&byte| byte == b'\n').expect("there is one at `end`");
            if start > end {
                return Ok(());
            }
        }
        lines.reserve(self.usual);
        let before = lines.len();
        let block = &self.buffer[start..end];
        match str::from_utf8(block) {
            Ok(text) => {
                text.split('\n').try_for_each(|line| self.rules.take_text(&self.what, line, lines))?
            }
            Err(_) => block
                .split(|&byte| byte == b'\n')
                .try_for_each(|line| self.rules.take_bytes(&self.what, line, lines))?,
        }
        self.usual = lines.len() - before;
        Ok(())
    }

    /// An error with the place of the line that is too long: the first of those before `end`, or the one that is open.
    fn placed(&self, error: ConnectorError, end: usize) -> ConnectorError {
        let ConnectorError::LineTooLong { what, limit, length, .. } = error else { return error };
        let lines = self.buffer[..end].split(|&byte| byte == b'\n');
        let is_long = |line: &&[u8]| line.strip_suffix(b"\r").unwrap_or(line).len() > limit;
        let before = lines.take_while(|line| !is_long(line)).map(|line| line.len() as u64 + 1);
        let before = if end == 0 { 0 } else { before.sum() };
        ConnectorError::LineTooLong { what, limit, at: self.base + self.line + before, length }
    }

    /// After a clean end: what is left is a line.
    pub(crate) fn finish(&mut self, lines: &mut Vec<String>) -> Result<(), ConnectorError> {
        let rest = &self.buffer[..std::mem::take(&mut self.filled)];
        if std::mem::take(&mut self.skipping) || rest.is_empty() {
            return Ok(());
        }
        self.rules.take_bytes(&self.what, rest, lines).map_err(|error| self.placed(error, 0))
    }
}

/// The settings that every source of lines has, for a builder with a field `rules: LineRules`.
macro_rules! line_settings {
    ($on_long:literal) => {
        /// Bounds the length of a line, in bytes without its end: 65,536 by default.
        pub fn max_line(mut self, bytes: usize) -> Self {
            self.rules.limit = bytes;
            self
        }
        #[doc = concat!("What to do with a longer line: [`OnLongLine::", $on_long, "`](crate::connectors::lines::OnLongLine::", $on_long, ") by default.")]
        pub fn on_long_line(mut self, policy: crate::connectors::lines::OnLongLine) -> Self {
            self.rules.on_long = policy;
            self
        }
        /// What to do with a line that is not UTF-8:
        /// [`OnInvalidUtf8::Replace`](crate::connect::OnInvalidUtf8::Replace) by default.
        pub fn on_invalid_utf8(mut self, policy: crate::connectors::lines::OnInvalidUtf8) -> Self {
            self.rules.on_invalid = policy;
            self
        }
        /// Counts the lines that could not be taken as they were, also while the source runs.
        pub fn bad_lines(&self) -> crate::connectors::lines::BadLines {
            self.rules.bad.clone()
        }
    };
}
pub(crate) use line_settings;

#[cfg(test)]
mod tests;
