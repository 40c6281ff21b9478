//! The new files of directories, Spark's `textFileStream`.

mod glob;
mod names;
mod new_files;
mod position;
mod search;
mod skipped_files;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use self::skipped_files::SkippedFiles;
use self::{
    glob::Directories,
    names::Names,
    new_files::NewFiles,
    position::{DirectoryPosition, TakenFiles},
    search::Search,
    skipped_files::FileFilter,
};
use crate::{
    connectors::{
        blocking::blocking,
        file::{
            FilePiece, FileReading, Progress, {self},
        },
        lines::{LineRules, line_settings},
    },
    contract::{error::ConnectorError, recovery::Recovery, source::Source, target::Origin},
    intake::source_context::SourceContext,
    time::BatchTime,
};

/// A source of the lines of the files that appear in a directory, or in the directories that a glob matches
/// (`logs/*/2024-??`, `{a,b}`; a `*` stays within one name). Only files directly in them count.
///
/// # Which files
/// At the time `t` of each batch, the source lists the directories. It reads a file, whole, into that batch if
///
/// - the file passes the [`filter`](Lines::filter),
/// - it was modified at `t` or before, but after `t - remember`, and after the job's start (unless
///   [`new_files_only(false)`](Lines::new_files_only)),
/// - its path was not read within that time. What is appended to a file later is not read.
///
/// So a file must be complete when it appears: write it elsewhere, then rename it into place. The files of a batch come in the order
/// of their modification times, then of their paths. A missing directory is empty. A file that vanishes, changes while it is read or
/// cannot be read is skipped with a warning, and counted in [`SkippedFiles`]; lines that were read before stay. Lines are cut as by
/// [`file::lines`](crate::connect::file::lines()).
///
/// Tools that preserve modification times (`cp -p`, rsync, unzip, `mv` of a file that was written before the start) leave files that
/// are too old by this rule, which is Spark's. Such a file is not read: it is logged when it appears, counted in [`SkippedFiles::too_old`]
/// and in the source's [metrics](crate::metrics::SourceMetrics::ignored), and [`Job::explain`](crate::Job::explain) says so.
/// [`by_name`](Lines::by_name) reads such files.
///
/// Modification times are by the system's clock. If that clock was set, they are compared with batches by what both clocks say now,
/// see [time](crate::guide::semantics#time). A file that appeared while the job was down, and the
/// clock was set back, is ignored and counted if it seems older than [`remember`](Lines::remember).
///
/// # Cost
/// Each batch looks at every file in the directories, about 3 µs each on a local disk, so move old files away. File system events
/// are not used: on network file systems they come late or never, and a file would miss its batch.
///
/// # After a crash
/// Each line is there once. A job that goes on from a checkpoint reads the same files in the same batches, and looks for new files as if
/// it had never been down, also in the batches that catch up with that time, each at its own time. (A job that crashed before its first
/// batch has not begun.) A file that was modified meanwhile is in the batch that would have had it. A file that appeared with an older
/// time is in the first batch that does not run again.
///
/// A batch that runs again reads the same bytes of the same files. So files must stay until every sink has their batch, mostly some
/// seconds. If a file of a batch that runs again is gone, shorter or changed, the job ends with [`ConnectorError::Changed`]. Touching a
/// file and appending to it do no harm. If the job crashes while it reads a file, that batch was not closed and nothing of it was
/// delivered, so the file is read again.
///
/// With each batch, the names of the remembered files are written to the checkpoint. With more than 10,000 files, a shorter
/// [`remember`](Lines::remember) is cheaper.
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
/// [`max_files`](Lines::max_files) are new or remembered, [`ConnectorError::NotText`] for a file that is compressed or in another
/// encoding, [`ConnectorError::Changed`] after a crash, and what [`on_long_line`](Lines::on_long_line) and
/// [`on_invalid_utf8`](Lines::on_invalid_utf8) make one: by default a long line is such an error, what is not UTF-8 is replaced,
/// and [`bad_lines`](Lines::bad_lines) counts both. Each ends the job.
pub fn lines(path_or_glob: impl AsRef<Path>) -> Lines {
    Lines {
        path: path_or_glob.as_ref().to_owned(),
        new_files_only: true,
        known: None,
        remember: Duration::from_secs(60),
        filter: Arc::new(is_visible),
        max_files: 1_000_000,
        skipped: SkippedFiles::default(),
        rules: LineRules::of_files(),
    }
}

/// See [`lines`].
pub struct Lines {
    path: PathBuf,
    new_files_only: bool,
    /// Where names decide: those that were there.
    known: Option<Vec<PathBuf>>,
    remember: Duration,
    filter: Arc<FileFilter>,
    max_files: usize,
    skipped: SkippedFiles,
    rules: LineRules,
}

impl Lines {
    line_settings!("Fail");

    /// Whether files that were modified before the job's start are ignored: `true` by default. Files that are older than
    /// [`remember`](Lines::remember) are ignored in any case.
    pub fn new_files_only(mut self, only: bool) -> Self {
        self.new_files_only = only;
        self
    }
    /// Reads each file whose name was not there before, once, whatever its modification time, which only decides the order. So a
    /// file that came by `cp -p`, rsync or unzip is new. With [`new_files_only`](Lines::new_files_only), which is the default,
    /// the names that are there when this is called are not new; else all are. A name that is gone for longer than
    /// [`remember`](Lines::remember) is new when it comes again.
    ///
    /// All names of the directories are then remembered, at most [`max_files`](Lines::max_files), and written to the checkpoint
    /// with each batch: move away what is old.
    pub fn by_name(mut self) -> Self {
        // `run` reports what is wrong with the pattern.
        self.known = Some(Directories::new(&self.path).map(|all| all.files()).unwrap_or_default());
        self
    }
    /// How long after its modification a file still counts as new, rounded up to whole batches: 60 s by default. Paths that were read
    /// are remembered for as long.
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
    /// Counts the files that could not be read or were too old, also while the source runs.
    pub fn skipped(&self) -> SkippedFiles {
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

    async fn run(self, mut out: SourceContext<String>) -> Result<(), ConnectorError> {
        let directories = Directories::new(&self.path)?;
        let base = directories.base();
        let Lines { new_files_only, known: known_names, remember, filter, max_files, rules, skipped, .. } =
            self;
        let new = NewFiles::new(BatchTime::from_nanos(0), remember, out.interval(), max_files);
        let (started, interval) = (out.started(), out.interval());
        let known =
            |known: Vec<PathBuf>| known.into_iter().filter(|_| new_files_only).map(|path| (started, path));
        let names = known_names.map(|paths| Names::new(known(paths)));
        let search = Search::new(directories, filter, new, names, skipped.clone(), !new_files_only);
        let mut running =
            DirectoryRun { search: Some(search), base, new_files_only, started, interval, rules, skipped };
        running.begin();
        if let Some(position) = out.resume_from()? {
            running.go_on(position);
        }
        while let Some(time) = out.batch_due().await {
            let files = match out.replay_position::<DirectoryPosition>()? {
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
struct DirectoryRun {
    /// Elsewhere only while it looks.
    search: Option<Search>,
    base: PathBuf,
    new_files_only: bool,
    /// When the first job started.
    started: BatchTime,
    interval: Duration,
    rules: LineRules,
    skipped: SkippedFiles,
}

impl DirectoryRun {
    fn search(&mut self) -> &mut Search {
        self.search.as_mut().expect("it looks only while it is waited for")
    }

    /// Begins at the beginning.
    fn begin(&mut self) {
        let after = if self.new_files_only { self.started } else { BatchTime::from_nanos(0) };
        self.search().new.resume(after, BatchTime::from_nanos(0), []);
    }

    /// Takes up a position.
    fn go_on(&mut self, position: DirectoryPosition) {
        self.started = BatchTime::from_nanos(position.started);
        let after = if self.new_files_only { self.started } else { BatchTime::from_nanos(0) };
        let remembered = position.remembered(&self.base).collect::<Vec<_>>();
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        let search = self.search();
        match &mut search.names {
            Some(names) => *names = Names::new(remembered),
            None => search.new.resume(after, BatchTime::from_nanos(position.past), remembered),
        }
        // The last batch of a job that was stopped has the time at which it would have closed.
        search.resumed(BatchTime::from_nanos(position.batch.saturating_sub(interval)));
    }

    fn position(&mut self, time: BatchTime, files: Vec<TakenFiles>) -> DirectoryPosition {
        let search = self.search.as_ref().expect("it looks only while it is waited for");
        DirectoryPosition::new(self.started, time, search, files, &self.base)
    }

    /// Lets the search do something that may take its time.
    async fn looking<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Search) -> R + Send + 'static,
    ) -> Result<R, ConnectorError> {
        let mut search = self.search.take().expect("it looks only while it is waited for");
        let looking = blocking(move || {
            let done = work(&mut search);
            (search, done)
        });
        let (search, done) = looking.await?;
        self.search = Some(search);
        Ok(done)
    }

    /// Sends what is new in the batch at `time`; returns what that was.
    async fn send_new(
        &mut self,
        time: BatchTime,
        out: &mut SourceContext<String>,
    ) -> Result<Vec<TakenFiles>, ConnectorError> {
        let offset = out.clock_offset();
        let found = self.looking(move |search| search.look(time, offset)).await??;
        if found.too_old > 0 {
            out.ignored(found.too_old);
        }
        let keeps = out.keeps_positions();
        let mut files = Vec::new();
        for path in found.new {
            let mut read = Progress::default();
            let summed = move |reading: FileReading| if keeps { reading.summed() } else { reading };
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
                    out.ignored(1);
                    false
                }
                sent => sent.map(|()| true)?,
            };
            files.push(TakenFiles::new(&path, &self.base, &read, whole));
        }
        Ok(files)
    }

    /// Sends what the batch at `time` had, behind which the source was at `position`.
    async fn send_again(
        &mut self,
        time: BatchTime,
        position: DirectoryPosition,
        out: &mut SourceContext<String>,
    ) -> Result<Vec<TakenFiles>, ConnectorError> {
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
        self.go_on(position);
        Ok(files)
    }

    /// Sends what was sent of a file before.
    async fn read_again(
        &self,
        file: &TakenFiles,
        out: &mut SourceContext<String>,
    ) -> Result<(), ConnectorError> {
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
    how: impl FnOnce(FileReading) -> FileReading + Send + 'static,
) -> Result<FilePiece, ConnectorError> {
    let (path, rules) = (path.to_owned(), rules.clone());
    blocking(move || Ok(how(FileReading::open(&path, rules)?).next())).await?
}

#[cfg(test)]
mod tests;
