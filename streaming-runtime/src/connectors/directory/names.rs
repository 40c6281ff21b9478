//! New files by their names alone, whatever their times.

use std::path::{Path, PathBuf};

use hashbrown::HashMap;

use crate::{
    connectors::directory::new_files::check_limit, contract::error::ConnectorError, time::BatchTime,
};

/// The names that are known. One is known as long as it is there, and for some time after: a directory that cannot be
/// listed for a while has nothing new when it can.
#[derive(Debug)]
pub(super) struct Names {
    known: HashMap<PathBuf, SeenFiles, foldhash::fast::RandomState>,
}

/// When a name was there.
#[derive(Clone, Copy, Debug)]
struct SeenFiles {
    first: BatchTime,
    last: BatchTime,
}

impl Names {
    /// These are known, by when they were last there.
    pub(super) fn new(known: impl IntoIterator<Item = (BatchTime, PathBuf)>) -> Self {
        let known = known.into_iter().map(|(at, path)| (path, SeenFiles { first: at, last: at }));
        Names { known: known.collect() }
    }

    /// Whether a name is known, which is there in the batch at `now`.
    pub(super) fn knows(&mut self, path: &Path, now: BatchTime) -> bool {
        let seen = self.known.get_mut(path);
        seen.map(|seen| seen.last = now).is_some()
    }

    /// Takes a name that is not known.
    pub(super) fn take(&mut self, path: PathBuf, now: BatchTime) {
        self.known.insert(path, SeenFiles { first: now, last: now });
    }

    /// Forgets those that were last there before `horizon`; fails if more than `limit` are left.
    pub(super) fn forget(&mut self, horizon: BatchTime, limit: usize) -> Result<(), ConnectorError> {
        self.known.retain(|_, seen| seen.last >= horizon);
        check_limit(self.known.len(), limit)
    }

    /// What was known before the batch at `now`, by when it was last there.
    pub(super) fn before(&self, now: BatchTime) -> Vec<(BatchTime, &Path)> {
        let before = self.known.iter().filter(|(_, seen)| seen.first < now);
        let mut names: Vec<_> = before.map(|(path, seen)| (seen.last, path.as_path())).collect();
        names.sort_unstable();
        names
    }
}
