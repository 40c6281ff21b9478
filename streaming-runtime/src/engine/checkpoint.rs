//! What a program says of the checkpoints of its jobs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{StartError, wiring::Wiring};
use crate::{
    checkpoint::{CheckpointError, LocalDirectory, Settings, Storage},
    connect::{Delivery, Recovery},
};

/// Where and how a job keeps its checkpoints: what [`Engine::checkpoint`](super::Engine::checkpoint) takes. A path is one,
/// too.
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
    pub(crate) segment: Option<u64>,
}

/// The place, which is made when a job starts.
#[derive(Clone, Debug)]
pub(crate) enum Storing {
    Directory(PathBuf),
    Other(Arc<dyn Storage>),
}

impl Checkpoint {
    /// In a directory, which is made if it is not there. One job at a time has it.
    pub fn new(directory: impl AsRef<Path>) -> Self {
        Checkpoint::of(Storing::Directory(directory.as_ref().to_owned()))
    }

    /// In a storage of one's own.
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
            segment: None,
        }
    }

    /// Refuses to start with a source or a sink that cannot do its part for it: that each record counts once in what the
    /// sinks have, whatever crashes.
    pub fn exactly_once(mut self) -> Self {
        self.exactly_once = true;
        self
    }

    /// Gives batches to sinks at once, and not first when they are on disk: a sync less to wait for, and after a crash a
    /// batch may come again with other records in it; a transactional sink that has one of that time keeps what it has.
    /// Not together with [`exactly_once`](Checkpoint::exactly_once).
    pub fn deliver_at_once(mut self) -> Self {
        self.holds_back = false;
        self
    }

    /// Also keeps the list of what the operators keep in a file of the source tree, to be committed: a change of it then
    /// shows in review, and a start with a program that does not fit the file is refused. It is made when it is not
    /// there; to renew it, start once with `STREAMING_LOCK=update` in the environment.
    pub fn lock_file(mut self, path: impl AsRef<Path>) -> Self {
        self.lock_file = Some(path.as_ref().to_owned());
        self
    }

    /// The operator `old` is called `new` now, by its id as in the pipeline's `OPERATORS`: its state is taken over. Or the
    /// source `old` is, by its port: it goes on where it was.
    pub fn renamed(mut self, old: impl Into<String>, new: impl Into<String>) -> Self {
        self.renamed.push((old.into(), new.into()));
        self
    }

    /// Drops what the checkpoint has of an operator, one that is gone or that begins anew, or of a source that
    /// is gone, or whose records come from elsewhere now.
    pub fn forget(mut self, operator: impl Into<String>) -> Self {
        self.forgotten.push(operator.into());
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
            return Err(StartError::Config(
                "exactly once needs batches to be on disk before they are delivered: drop `deliver_at_once()`".to_owned(),
            ));
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

    pub(super) fn storage(&self) -> Result<Arc<dyn Storage>, CheckpointError> {
        Ok(match &self.storage {
            Storing::Directory(path) => Arc::new(LocalDirectory::new(path).map_err(|source| {
                let file = path.display().to_string();
                CheckpointError::Io { doing: "make the directory", file, source: Arc::new(source) }
            })?),
            Storing::Other(storage) => storage.clone(),
        })
    }
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
