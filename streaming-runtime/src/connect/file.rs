//! Text files, read to their end.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    ConnectorError, Outlet, Source,
    blocking::blocking,
    lines::{LineDecoder, LineRules, line_settings},
};

/// What one read asks for at most.
const MAX_READ: usize = 256 * 1024;

/// A source of the lines of a text file; it ends with the file.
///
/// A line ends at `\n`, without a `\r` before it; the last may lack it. The file is read in pieces of up to
/// 256 KiB on tokio's threads for blocking work, one piece ahead. It has to be a regular file, not a pipe.
///
/// ```
/// use streaming_runtime::connect::{OnLongLine, file};
///
/// let source = file::lines("access.log").max_line(1 << 20).on_long_line(OnLongLine::Fail);
/// # let _ = source;
/// ```
///
/// # Errors
/// [`ConnectorError::Io`] with the path when the file cannot be opened or read, [`ConnectorError::Config`]
/// when it is no regular file, and what [`on_long_line`](Lines::on_long_line) and
/// [`on_invalid_utf8`](Lines::on_invalid_utf8) make one. Each ends the job, after the lines before it; by default long
/// lines are skipped, what is not UTF-8 is replaced, and [`bad_lines`](Lines::bad_lines) counts both.
pub fn lines(path: impl AsRef<Path>) -> Lines {
    Lines { path: path.as_ref().to_owned(), rules: LineRules::default() }
}

/// See [`lines`].
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    rules: LineRules,
}

impl Lines {
    line_settings!();
}

impl Source<String> for Lines {
    async fn run(self, mut out: Outlet<String>) -> Result<(), ConnectorError> {
        send_lines(self.path, self.rules, &mut out).await
    }
}

/// Sends the lines of a file. What comes before an error is sent.
pub(super) async fn send_lines(
    path: PathBuf,
    rules: LineRules,
    out: &mut Outlet<String>,
) -> Result<(), ConnectorError> {
    let mut piece = blocking(move || Reading::open(&path, rules).map(Reading::next)).await??;
    loop {
        // The next piece is read while the workers take this one.
        let following = piece.rest.map(|reading| blocking(move || reading.next()));
        out.send_all(piece.lines).await?;
        piece.outcome?;
        match following {
            Some(following) => piece = following.await?,
            None => return Ok(()),
        }
    }
}

/// A file that is being read.
struct Reading {
    file: File,
    decoder: LineDecoder,
}

/// Lines that were read together.
struct Piece {
    lines: Vec<String>,
    outcome: Result<(), ConnectorError>,
    /// The file, unless it is at its end or cannot be read further.
    rest: Option<Reading>,
}

impl Reading {
    fn open(path: &Path, rules: LineRules) -> Result<Self, ConnectorError> {
        let what = path.display().to_string();
        let failed = |error| ConnectorError::io(format!("open `{what}`"), error);
        // Asked before opening: to open a pipe would wait for its writer.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(ConnectorError::Config(format!("`{what}` is no regular file")));
        }
        let file = File::open(path).map_err(failed)?;
        Ok(Reading { file, decoder: LineDecoder::new(what, rules, MAX_READ) })
    }

    /// Reads until there is a line, or the end.
    fn next(mut self) -> Piece {
        let mut lines = Vec::new();
        let outcome = self.read(&mut lines);
        let rest = matches!(outcome, Ok(true)).then_some(self);
        Piece { lines, outcome: outcome.map(|_| ()), rest }
    }

    /// Whether there is more to read.
    fn read(&mut self, lines: &mut Vec<String>) -> Result<bool, ConnectorError> {
        loop {
            match self.file.read(self.decoder.room()) {
                Ok(0) => return self.decoder.finish(lines).map(|()| false),
                Ok(n) => self.decoder.accept(n, lines)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(ConnectorError::io(format!("read `{}`", self.decoder.what()), error));
                }
            }
            if !lines.is_empty() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{OnInvalidUtf8, testing};

    #[tokio::test]
    async fn every_line_of_a_large_file() {
        let directory = tempfile::tempdir().expect("temp");
        let path = directory.path().join("large");
        let want: Vec<String> = (0..200_000).map(|n| format!("line {n}")).collect();
        fs::write(&path, want.join("\n")).expect("written");
        let (records, ended) = testing::run(lines(&path)).finish().await;
        assert!(records == want, "{} of {} lines", records.len(), want.len());
        ended.expect("a clean end");
    }

    #[tokio::test]
    async fn an_empty_file_has_no_lines() {
        let file = tempfile::NamedTempFile::new().expect("temp");
        let (records, ended) = testing::run(lines(file.path())).finish().await;
        assert!(records.is_empty());
        ended.expect("a clean end");
    }

    #[tokio::test]
    async fn errors_name_the_path() {
        let directory = tempfile::tempdir().expect("temp");
        let missing = directory.path().join("nowhere");
        for (path, code) in [(missing.as_path(), "connector.io"), (directory.path(), "connector.config")] {
            let error = testing::run(lines(path)).finish().await.1.expect_err("no file");
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failure_comes_after_the_lines_before_it() {
        let directory = tempfile::tempdir().expect("temp");
        let path = directory.path().join("mixed");
        fs::write(&path, b"a\nb\n\xff\nc\n").expect("written");
        let source = lines(&path).on_invalid_utf8(OnInvalidUtf8::Fail);
        let bad = source.bad_lines();
        let (records, ended) = testing::run(source).finish().await;
        assert_eq!(records, ["a", "b"]);
        assert_eq!(ended.expect_err("must fail").code(), "connector.invalid_utf8");
        assert_eq!(bad.invalid_utf8(), 1);
    }
}
