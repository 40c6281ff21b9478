//! The new files of directories, Spark's `textFileStream`.

mod glob;
mod new_files;
mod position;

use std::{
    fmt,
    fs::{self, DirEntry},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use self::{
    glob::Directories,
    new_files::{Candidate, NewFiles},
    position::{Position, Taken},
};
use super::{
    ConnectorError, Origin, Outlet, Recovery, Source,
    blocking::blocking,
    file::{self, Piece, Progress, Reading},
    lines::{LineRules, line_settings},
};
use crate::time::BatchTime;

/// A source of the lines of the files that appear in a directory, or in the directories that a glob matches
/// (`logs/*/2024-??`, `{a,b}`; a `*` stays within one name). Only files directly in them count.
///
/// At the time `t` of each batch the directories are looked through. A file is read, whole, into that batch
/// when
///
/// - it passes the [`filter`](Lines::filter),
/// - it was modified at `t` or before, but after `t - remember` and, unless
///   [`new_files_only(false)`](Lines::new_files_only), after the job's start,
/// - its path has not been taken within that time. What is appended to a taken file is not read.
///
/// So a file has to be whole when it appears: write it elsewhere, then rename it into place. Files of a batch
/// come in the order of their modification, then of their paths. A missing directory is empty. A file that
/// vanishes or cannot be read is left out, with a warning, and counted in [`Skipped`]; if that happens
/// half-way, its first lines stay. Lines are cut as by [`file::lines`](super::file::lines()).
///
/// Each batch costs one look at every file that is not yet taken, about 3 µs each on a local disk, so old
/// files are better moved away. There is no watching for events: they come late or never (network file
/// systems), and a file would then miss its batch.
///
/// # After a crash
/// Each line is there once. A job that goes on from a checkpoint has the files that it had, in the batches that it had
/// them in, and looks for what is new as if it had never been away: from the first start on, also in the batches that
/// catch up with the time when it was down, each at its own time. (A job that crashed before its first batch has not begun.) A file that was modified in that time is in the batch
/// that would have had it; one that appeared with an older time, in the first that does not run again.
///
/// A batch that runs again reads the same bytes of the same files again. So they have to stay for a while: a batch may run
/// again until every sink has it, some seconds mostly. A file of it that is gone, shorter or changed ends the job with
/// [`ConnectorError::Changed`]: the batch could not be what it was. To touch it or to append to it does no harm. Files
/// are read whole within a batch, so that there is no place within one to go on from: if the job crashes half-way, that batch
/// was not closed, none of it was delivered, and it is simply read again.
///
/// With each batch, the names of the files that are remembered are written to the checkpoint: with very many files in that
/// time, say more than 10,000, a shorter [`remember`](Lines::remember) is cheaper.
///
/// ```
/// use streaming_runtime::{connect::directory, minutes};
///
/// let source = directory::lines("spool/*/").remember(minutes(5));
/// # let _ = source;
/// ```
///
/// # Errors
/// [`ConnectorError::Config`] for a glob that is none, [`ConnectorError::LimitExceeded`] when more files than
/// [`max_files`](Lines::max_files) are new or remembered, [`ConnectorError::Changed`] after a crash, and what [`on_long_line`](Lines::on_long_line) and
/// [`on_invalid_utf8`](Lines::on_invalid_utf8) make one: by default neither does, and
/// [`bad_lines`](Lines::bad_lines) counts. Each ends the job.
pub fn lines(path_or_glob: impl AsRef<Path>) -> Lines {
    Lines {
        path: path_or_glob.as_ref().to_owned(),
        new_files_only: true,
        remember: Duration::from_secs(60),
        filter: Arc::new(is_visible),
        max_files: 1_000_000,
        skipped: Skipped::default(),
        rules: LineRules::of_files(),
    }
}

type Filter = dyn Fn(&Path) -> bool + Send + Sync;

/// See [`lines`].
pub struct Lines {
    path: PathBuf,
    new_files_only: bool,
    remember: Duration,
    filter: Arc<Filter>,
    max_files: usize,
    skipped: Skipped,
    rules: LineRules,
}

impl Lines {
    line_settings!("Fail");

    /// Whether files that were modified before the job's start are left alone: `true` by default. Files that
    /// are older than [`remember`](Lines::remember) are left alone in either case.
    pub fn new_files_only(mut self, only: bool) -> Self {
        self.new_files_only = only;
        self
    }
    /// How long after its modification a file can still be found new, rounded up to whole batches: 60 s by
    /// default. For as long, taken paths are remembered.
    pub fn remember(mut self, time: Duration) -> Self {
        self.remember = time;
        self
    }
    /// Which files to read, by their paths: by default those whose names do not start with a dot.
    pub fn filter(mut self, wanted: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Arc::new(wanted);
        self
    }
    /// Bounds the files that are new in a batch or remembered: 1,000,000 by default.
    pub fn max_files(mut self, files: usize) -> Self {
        self.max_files = files;
        self
    }
    /// Counts the files that could not be read, also while the source runs.
    pub fn skipped(&self) -> Skipped {
        self.skipped.clone()
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("path", &self.path).finish_non_exhaustive()
    }
}

fn is_visible(path: &Path) -> bool {
    path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."))
}

/// How many files and directories a [`lines`] source found but could not read: a new file once, what cannot
/// even be looked at in each batch. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Skipped(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    skipped: AtomicU64,
    warned: AtomicBool,
}

impl Skipped {
    /// The number so far.
    pub fn count(&self) -> u64 {
        self.0.skipped.load(Ordering::Relaxed)
    }

    fn unread(&self, path: &Path, error: &ConnectorError) {
        self.0.skipped.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(path = %path.display(), %error, "a new file is left out");
    }

    fn unseen(&self, path: &Path, error: &io::Error) {
        // It vanished while we looked, or was never there.
        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            return;
        }
        self.0.skipped.fetch_add(1, Ordering::Relaxed);
        if !self.0.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(path = %path.display(), %error, "cannot be looked at; later such are only counted");
        }
    }
}

impl Source<String> for Lines {
    const MAY_BLOCK: bool = false;
    const PACED: bool = true;
    const RECOVERY: Recovery = Recovery::Replays;

    fn origin(&self) -> Option<Origin> {
        // What is wrong with the pattern, `run` says.
        let directories = Directories::new(&self.path).ok()?;
        let filter = self.filter.clone();
        Some(Origin::files(move |file| {
            directories.would_have(file).is_some_and(|as_listed| filter(&as_listed))
        }))
    }

    async fn run(self, mut out: Outlet<String>) -> Result<(), ConnectorError> {
        let directories = Directories::new(&self.path)?;
        let base = directories.base();
        let search = Search {
            directories,
            filter: self.filter,
            new: NewFiles::new(BatchTime::from_nanos(0), self.remember, out.interval(), self.max_files),
            skipped: self.skipped.clone(),
        };
        let Lines { new_files_only, rules, skipped, .. } = self;
        let started = out.started();
        let mut running = Running { search: Some(search), base, new_files_only, started, rules, skipped };
        running.go_on(out.resume_from()?);
        while let Some(time) = out.batch_due().await {
            let files = match out.again::<Position>()? {
                Some(position) => running.send_again(time, position, &mut out).await?,
                None => running.send_new(time, &mut out).await?,
            };
            if out.keeps_positions() {
                out.reached(&running.position(time, files));
            }
        }
        Ok(())
    }
}

/// A source that runs.
struct Running {
    /// Elsewhere only while it looks.
    search: Option<Search>,
    base: PathBuf,
    new_files_only: bool,
    /// When the first job started.
    started: BatchTime,
    rules: LineRules,
    skipped: Skipped,
}

impl Running {
    fn search(&mut self) -> &mut Search {
        self.search.as_mut().expect("it looks only while it is waited for")
    }

    /// Takes up a position, or begins.
    fn go_on(&mut self, position: Option<Position>) {
        let (mut past, mut remembered) = (BatchTime::from_nanos(0), Vec::new());
        if let Some(position) = position {
            self.started = BatchTime::from_nanos(position.started);
            past = BatchTime::from_nanos(position.past);
            remembered = position.remembered(&self.base).collect();
        }
        let after = if self.new_files_only { self.started } else { BatchTime::from_nanos(0) };
        self.search().new.resume(after, past, remembered);
    }

    fn position(&mut self, time: BatchTime, files: Vec<Taken>) -> Position {
        let search = self.search.as_ref().expect("it looks only while it is waited for");
        Position::new(self.started, time, &search.new, files, &self.base)
    }

    /// Sends what is new in the batch at `time`; returns what that was.
    async fn send_new(
        &mut self,
        time: BatchTime,
        out: &mut Outlet<String>,
    ) -> Result<Vec<Taken>, ConnectorError> {
        let mut search = self.search.take().expect("it looks only while it is waited for");
        let looking = blocking(move || {
            let found = search.look(time);
            (search, found)
        });
        let (search, found) = looking.await?;
        self.search = Some(search);
        let keeps = out.keeps_positions();
        let mut files = Vec::new();
        for path in found? {
            let mut read = Progress::default();
            let summed = move |reading: Reading| if keeps { reading.summed() } else { reading };
            let sent = match open(&path, &self.rules, summed).await {
                Ok(piece) => file::send(piece, out, |_, progress| read = progress.clone()).await,
                Err(error) => Err(error),
            };
            let whole = match sent {
                Err(
                    error @ (ConnectorError::Io { .. }
                    | ConnectorError::Config(_)
                    | ConnectorError::ChangedWhileRead { .. }),
                ) => {
                    self.skipped.unread(&path, &error);
                    false
                }
                sent => sent.map(|()| true)?,
            };
            files.push(Taken::new(&path, &self.base, &read, whole));
        }
        Ok(files)
    }

    /// Sends what the batch at `time` had, behind which the source was at `position`.
    async fn send_again(
        &mut self,
        time: BatchTime,
        position: Position,
        out: &mut Outlet<String>,
    ) -> Result<Vec<Taken>, ConnectorError> {
        if position.batch != time.as_nanos() {
            return Err(ConnectorError::Config(format!(
                "the checkpoint has a position of the batch at {} for the batch at {time}",
                BatchTime::from_nanos(position.batch)
            )));
        }
        for file in &position.files {
            self.read_again(file, out).await?;
        }
        let files = position.files.clone();
        self.go_on(Some(position));
        Ok(files)
    }

    /// Sends what was sent of a file before.
    async fn read_again(&self, file: &Taken, out: &mut Outlet<String>) -> Result<(), ConnectorError> {
        if file.bytes == 0 {
            return Ok(());
        }
        let path = file.name.path(&self.base);
        let changed = |how: String| Err(ConnectorError::Changed { what: path.display().to_string(), how });
        let (bytes, whole) = (file.bytes, file.whole);
        let piece = match open(&path, &self.rules, move |reading| reading.summed().only(bytes, whole)).await {
            Err(ConnectorError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return changed("it is gone".to_owned());
            }
            piece => piece?,
        };
        let mut read = Progress::default();
        file::send(piece, out, |_, progress| read = progress.clone()).await?;
        if read.length < file.bytes {
            return changed(format!("it has {} bytes, and {} were read of it", read.length, file.bytes));
        }
        if read.sum != file.sum {
            return changed("it has other text".to_owned());
        }
        Ok(())
    }
}

/// Opens a file and reads its first lines.
async fn open(
    path: &Path,
    rules: &LineRules,
    how: impl FnOnce(Reading) -> Reading + Send + 'static,
) -> Result<Piece, ConnectorError> {
    let (path, rules) = (path.to_owned(), rules.clone());
    blocking(move || Ok(how(Reading::open(&path, rules)?).next())).await?
}

/// Finds the files of a batch.
struct Search {
    directories: Directories,
    filter: Arc<Filter>,
    new: NewFiles,
    skipped: Skipped,
}

impl Search {
    /// The paths to read in the batch at `time`, in order.
    fn look(&mut self, time: BatchTime) -> Result<Vec<PathBuf>, ConnectorError> {
        let mut candidates = Vec::new();
        for directory in self.directories.matching() {
            let Ok(entries) =
                fs::read_dir(&directory).inspect_err(|error| self.skipped.unseen(&directory, error))
            else {
                continue;
            };
            // An entry that fails was removed while we looked.
            candidates.extend(entries.flatten().filter_map(|entry| self.candidate(time, &entry)));
            self.new.check_limit(candidates.len())?;
        }
        self.new.select(time, candidates)
    }

    fn candidate(&self, time: BatchTime, entry: &DirEntry) -> Option<Candidate> {
        let path = entry.path();
        if !(self.filter)(&path) || self.new.is_taken(&path) {
            return None;
        }
        let about = fs::metadata(&path).inspect_err(|error| self.skipped.unseen(&path, error)).ok()?;
        // Times before 1970 are as old as any.
        let modified = about.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = BatchTime::from_nanos(u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX));
        (about.is_file() && self.new.is_in_time(time, modified)).then_some(Candidate { modified, path })
    }
}

#[cfg(test)]
mod tests;
