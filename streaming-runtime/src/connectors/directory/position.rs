//! The position of the source at a batch.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    connectors::{directory::search::Search, file::Progress},
    time::BatchTime,
};

/// All that a source has to know to go on behind a batch, and to give the same to that batch once more. Its size is
/// that of the names which are remembered. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DirectoryPosition {
    /// When the first job started: what is older is not new, unless all is.
    pub(super) started: u64,
    pub(super) batch: u64,
    /// What was modified then or before is too old for any later batch.
    pub(super) past: u64,
    /// What the batch had, in this order.
    pub(super) files: Vec<TakenFiles>,
    /// What was taken before it and is remembered: by batch, the oldest first. Where names decide, all that are known, by the
    /// batch in which they were last there.
    remembered: Vec<(u64, Vec<Name>)>,
}

/// A file that was taken, and what was read of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TakenFiles {
    pub(super) name: Name,
    /// How much was read, and its checksum.
    pub(super) bytes: u64,
    pub(super) sum: u32,
    /// Whether it was read to its end.
    pub(super) whole: bool,
}

/// A path, relative to the directory where possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Name {
    Text(String),
    /// One that is not UTF-8.
    Other(OsString),
}

impl Name {
    fn new(path: &Path, base: &Path) -> Self {
        let name = path.strip_prefix(base).unwrap_or(path);
        match name.to_str() {
            Some(text) => Name::Text(text.to_owned()),
            None => Name::Other(name.as_os_str().to_owned()),
        }
    }

    pub(super) fn path(&self, base: &Path) -> PathBuf {
        match self {
            Name::Text(name) => base.join(name),
            Name::Other(name) => base.join(name),
        }
    }
}

impl TakenFiles {
    pub(super) fn new(path: &Path, base: &Path, read: &Progress, whole: bool) -> Self {
        TakenFiles { name: Name::new(path, base), bytes: read.length, sum: read.sum, whole }
    }
}

impl DirectoryPosition {
    /// Behind the batch at `now`, which had `files`.
    pub(super) fn new(
        started: BatchTime,
        now: BatchTime,
        search: &Search,
        files: Vec<TakenFiles>,
        base: &Path,
    ) -> Self {
        let Search { new, names, .. } = search;
        let before = match names {
            Some(names) => names.before(now),
            None => new.remembered(now).collect(),
        };
        let mut remembered: Vec<(u64, Vec<Name>)> = Vec::new();
        for (time, path) in before {
            let (time, name) = (time.as_nanos(), Name::new(path, base));
            match remembered.last_mut() {
                Some((last, names)) if *last == time => names.push(name),
                _ => remembered.push((time, vec![name])),
            }
        }
        let (started, batch, past) = (started.as_nanos(), now.as_nanos(), new.horizon(now).as_nanos());
        DirectoryPosition { started, batch, past, files, remembered }
    }

    /// All that is remembered, the oldest first.
    pub(super) fn remembered(&self, base: &Path) -> impl Iterator<Item = (BatchTime, PathBuf)> {
        let before = self.remembered.iter();
        let before = before.flat_map(|(time, names)| names.iter().map(|name| (*time, name)));
        let all = before.chain(self.files.iter().map(|file| (self.batch, &file.name)));
        all.map(move |(time, name)| (BatchTime::from_nanos(time), name.path(base)))
    }
}
