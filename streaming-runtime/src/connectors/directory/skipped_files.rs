//! Files that a directory source found and did not read.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::contract::error::ConnectorError;

/// So many files of one look are named in the log; more are only counted there.
const NAMED: usize = 100;

/// Which files are read, by their paths.
pub(super) type FileFilter = dyn Fn(&Path) -> bool + Send + Sync;

/// How many files and directories a [`lines`](super::lines) source found but could not read: a new file once, what cannot
/// even be looked at in each batch. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct SkippedFiles(Arc<DirectoryCounters>);

#[derive(Debug, Default)]
struct DirectoryCounters {
    skipped: AtomicU64,
    too_old: AtomicU64,
    warned: AtomicBool,
}

impl SkippedFiles {
    /// The number so far.
    pub fn count(&self) -> u64 {
        self.0.skipped.load(Ordering::Relaxed)
    }

    /// Files that appeared with a time by which they are too old, each once; see [`lines`](super::lines). Not in [`count`](SkippedFiles::count).
    pub fn too_old(&self) -> u64 {
        self.0.too_old.load(Ordering::Relaxed)
    }

    pub(super) fn are_too_old(&self, paths: &[PathBuf]) {
        self.0.too_old.fetch_add(paths.len() as u64, Ordering::Relaxed);
        for path in paths.iter().take(NAMED) {
            tracing::warn!(
                path = %path.display(),
                "a file appeared that is too old by its time of change, and is not read; `.by_name()` takes such files"
            );
        }
        if let Some(more) = paths.len().checked_sub(NAMED).filter(|more| *more > 0) {
            tracing::warn!(more, "files appeared that are too old by their times of change");
        }
    }

    pub(super) fn unread(&self, path: &Path, error: &ConnectorError) {
        self.0.skipped.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(path = %path.display(), %error, "a new file is left out");
    }

    pub(super) fn unseen(&self, path: &Path, error: &io::Error) {
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
