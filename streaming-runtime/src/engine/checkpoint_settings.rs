//! What a program says of the checkpoints of its jobs.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{
            RecvTimeoutError, {self},
        },
    },
    thread,
    time::Duration,
};

use crate::{
    checkpoint::{Calls, CheckpointError, LocalDirectory, Settings, Storage, Watched},
    contract::{delivery::Delivery, recovery::Recovery},
    engine::wiring::Wiring,
    error::StartError,
    panic_origin,
};

/// Where and how a job keeps its checkpoints, for [`Engine::checkpoint`](super::Engine::checkpoint). A path is one, too.
///
/// ```no_run
/// use streaming_runtime::{Checkpoint, Engine};
///
/// let engine = Engine::new().checkpoint("state/orders"); // all that most programs say
/// let engine = Engine::new().checkpoint(
///     Checkpoint::new("state/orders")
///         .exactly_once()
///         .renamed("orders/total/reduce_by_key", "orders/totals/reduce_by_key"),
/// );
/// # let _ = engine;
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until an engine has it"]
pub struct Checkpoint {
    pub(crate) storage: Storing,
    exactly_once: bool,
    pub(crate) holds_back: bool,
    pub(crate) lock_file: Option<PathBuf>,
    pub(crate) renamed: Vec<(String, String)>,
    pub(crate) forgotten: Vec<String>,
    pub(crate) keeps: Vec<String>,
    pub(crate) adopted: Vec<String>,
    pub(crate) losing: Vec<String>,
    pub(crate) segment: Option<u64>,
    storage_limit: Duration,
}

/// What a call to the storage may take unless told otherwise.
const STORAGE_LIMIT: Duration = Duration::from_secs(30);

/// The place, which is made when a job starts.
#[derive(Clone, Debug)]
pub(crate) enum Storing {
    Directory(PathBuf),
    Other(Arc<dyn Storage>),
}

impl Checkpoint {
    /// In a directory, which is created if it is missing. One job at a time can use it.
    pub fn new(directory: impl AsRef<Path>) -> Self {
        Checkpoint::of(Storing::Directory(directory.as_ref().to_owned()))
    }

    /// In your own storage.
    pub fn in_storage(storage: impl Storage) -> Self {
        Checkpoint::of(Storing::Other(Arc::new(storage)))
    }

    fn of(storage: Storing) -> Self {
        Checkpoint {
            storage,
            exactly_once: false,
            holds_back: true,
            lock_file: None,
            renamed: Vec::new(),
            forgotten: Vec::new(),
            keeps: Vec::new(),
            adopted: Vec::new(),
            losing: Vec::new(),
            segment: None,
            storage_limit: STORAGE_LIMIT,
        }
    }

    /// Requires that each record counts exactly once in what the sinks have, whatever crashes: the start is refused if a source or a
    /// sink cannot guarantee its part.
    pub fn exactly_once(mut self) -> Self {
        self.exactly_once = true;
        self
    }

    /// Delivers before the fsync: lower latency, but a batch that runs again after a crash may differ. A transactional sink that has a
    /// batch of that time keeps the one that it has. Not together with [`exactly_once`](Checkpoint::exactly_once).
    pub fn deliver_at_once(mut self) -> Self {
        self.holds_back = false;
        self
    }

    /// Also writes the list of the operators' state to a file of the source tree, to be committed. A change of state then shows in
    /// review, and a start with a program that does not fit the file is refused. The file is created if it is missing. To renew it,
    /// start once with `STREAMING_LOCK=update` in the environment.
    pub fn lock_file(mut self, path: impl AsRef<Path>) -> Self {
        self.lock_file = Some(path.as_ref().to_owned());
        self
    }

    /// Declares that the operator with the id `old` is now `new`, as in the pipeline's `OPERATORS`: its state is taken over. Also for
    /// a source, by its port: it goes on where it was.
    pub fn renamed(mut self, old: impl Into<String>, new: impl Into<String>) -> Self {
        self.renamed.push((old.into(), new.into()));
        self
    }

    /// Drops the state of an operator that is gone or should begin anew, or the position of a source that is gone or has other
    /// records now.
    pub fn forget(mut self, operator: impl Into<String>) -> Self {
        self.forgotten.push(operator.into());
        self
    }

    /// How long a call to the storage may take: 30 s by default, plus a second for each 16 MiB that it reads or writes. A call to a disk
    /// that hangs cannot be stopped. After this time [`Engine::start`](super::Engine::start) or the running job ends with
    /// [`CheckpointError::Stuck`], which names the call and the file. The thread is left behind, and the place stays taken until the
    /// call returns.
    ///
    /// [`Job::stop_within`](super::Job::stop_within), [`Job::abort`](super::Job::abort) and dropping the job do not wait for it.
    pub fn storage_limit(mut self, limit: Duration) -> Self {
        self.storage_limit = limit;
        self
    }

    /// Declares that the operator with this id keeps the state of that id, in two cases where a start is refused:
    ///
    /// - Two operators of one type seem to have exchanged their names: `let sums = ..; let counts = ..;` where there were
    ///   `let counts = ..; let sums = ..;`. This is seen by what is upstream of an operator and by how its call is written, so a
    ///   changed closure alone is never asked about. If they were exchanged, use [`renamed`](Checkpoint::renamed). Remove the
    ///   declaration after the start.
    /// - The initial states are not those with which the operator began, for instance because they are read from a table that
    ///   changes. The new ones are ignored. Here the declaration may stay.
    pub fn keeps(mut self, operator: impl Into<String>) -> Self {
        self.keeps.push(operator.into());
        self
    }

    /// Accepts that a sink has batches of another checkpoint, or later ones than this checkpoint knows. New batches of the same times
    /// replace them (or are skipped by a transactional sink), and other batches stay. Remove it after the start: while it is
    /// declared, such a sink is not noticed.
    pub fn adopt(mut self, sink: impl Into<String>) -> Self {
        self.adopted.push(sink.into());
        self
    }

    /// Declares that a source may begin anew at a restart, while the state that was made of it stays: for events that are lost while
    /// nobody listens. Without this, a start warns of such a source ([`Job::warnings`](crate::Job::warnings)). If the source sends
    /// a list again from its beginning, its records are added to the state once more.
    pub fn may_lose(mut self, source: impl Into<String>) -> Self {
        self.losing.push(source.into());
        self
    }

    /// The least size of a log that is compacted, for tests that are to see many compactions.
    #[doc(hidden)]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment = Some(bytes);
        self
    }

    /// The sizes of the log.
    pub(super) fn sizes(&self) -> Settings {
        let sizes = Settings::default();
        Settings { segment: self.segment.unwrap_or(sizes.segment), ..sizes }
    }

    /// Whether the ports can give what is asked for.
    pub(super) fn check(&self, wiring: &Wiring) -> Result<(), StartError> {
        if !self.exactly_once {
            return Ok(());
        }
        let refused = |port: &str, what: &str| {
            Err(StartError::Delivery { port: port.to_owned(), what: what.to_owned() })
        };
        if !self.holds_back {
            return Err(StartError::Config("exactly once needs batches to be on disk before they are delivered: drop `deliver_at_once()`".to_owned()));
        }
        if let Some(source) = wiring.sources.iter().find(|source| source.recovery == Recovery::Lost) {
            return refused(
                source.port,
                "source cannot send its records again after a crash: wrap it in `durable(..)`, which writes them to the job's log",
            );
        }
        if let Some(sink) = wiring.sinks.iter().find(|sink| sink.delivery == Delivery::AtLeastOnce) {
            return refused(
                sink.port,
                "sink cannot tell a batch that comes again: take one that can, such as `text_files` or `sqlite::append`, or \
                 give your own a `DELIVERY`",
            );
        }
        Ok(())
    }

    pub(super) fn is_exactly_once(&self) -> bool {
        self.exactly_once
    }

    /// The place as the job sees it, and the calls to it.
    pub(super) fn storage(&self) -> (Placing, Calls) {
        let calls = Calls::new(self.storage_limit);
        (Placing { storing: self.storage.clone(), calls: calls.clone() }, calls)
    }
}

/// A place that is about to be used, on a thread that may wait for it.
pub(super) struct Placing {
    storing: Storing,
    calls: Calls,
}

impl Placing {
    pub(super) fn place(self) -> Result<Arc<dyn Storage>, CheckpointError> {
        let Placing { storing, calls } = self;
        let storage: Arc<dyn Storage> = match storing {
            Storing::Directory(path) => {
                let file = path.display().to_string();
                let made = calls.run("making the directory", &file, 0, |_| LocalDirectory::new(path));
                let failed = |source| CheckpointError::Io {
                    doing: "making the directory",
                    file,
                    source: Arc::new(source),
                };
                Arc::new(made.map_err(failed)?)
            }
            Storing::Other(storage) => storage,
        };
        Ok(Arc::new(Watched::new(storage, calls)))
    }
}

/// Does what waits for the storage on a thread of its own, and waits for it no longer than the calls may take.
pub(super) fn within<T: Send + 'static>(
    calls: &Calls,
    work: impl FnOnce() -> Result<T, CheckpointError> + Send + 'static,
) -> Result<T, CheckpointError> {
    let (done, result) = mpsc::channel();
    let work = move || {
        let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)));
        // Nobody hears it if it took too long; what was locked is free again with it.
        let _ = done.send(outcome);
    };
    let thread = thread::Builder::new().name("checkpoint-start".to_owned()).spawn(work);
    thread.map_err(|source| {
        let (doing, file) = ("starting the thread of", "the start".to_owned());
        CheckpointError::Io { doing, file, source: Arc::new(source) }
    })?;
    loop {
        match result.recv_timeout(LOOK) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Timeout) => calls.stuck().map_or(Ok(()), Err)?,
            Err(RecvTimeoutError::Disconnected) => unreachable!("the thread sends what it did"),
        }
    }
}

/// How often it is looked whether a call takes too long.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// What a panic beside the storage's calls is.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> CheckpointError {
    let source = io::Error::other(format!("a panic: {}", panic_origin::message(panic)));
    CheckpointError::Io { doing: "using", file: "the checkpoint".to_owned(), source: Arc::new(source) }
}

macro_rules! from_paths {
    ($($path:ty),*) => {
        $(impl From<$path> for Checkpoint {
            fn from(directory: $path) -> Self {
                Checkpoint::new(directory)
            }
        })*
    };
}

from_paths!(&str, String, &Path, PathBuf, &PathBuf);
