//! The settings of a table and of the connection to its database.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::connectors::sqlite::columns::Column;

/// What a commit survives when the system crashes; see SQLite's [`synchronous`](https://sqlite.org/pragma.html#pragma_synchronous).
/// A crash of the process does no harm with either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A batch that was written is on disk. One sync per batch.
    #[default]
    Full,
    /// After a power failure the last batches may be missing, whole; the database is not damaged. No sync per batch. Missing batches
    /// come again only from a checkpoint that reaches back that far.
    Normal,
}

/// How SQLite makes a transaction atomic; see its [`journal_mode`](https://sqlite.org/pragma.html#pragma_journal_mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// A log beside the database: readers and the writer do not wait for each other. The database has to be on a
    /// disk of this machine.
    #[default]
    Wal,
    /// A journal of what is overwritten, removed with each commit. The database is one file between batches, and may
    /// be on a network; readers and the writer wait for each other.
    Delete,
}

/// How a sink writes its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    Appended,
    Upsert,
    Changes,
}

/// A table, and how the connection to its database is opened.
#[derive(Clone, Debug)]
pub(super) struct ConnectionSettings {
    pub(super) path: PathBuf,
    pub(super) table: String,
    /// Of the sink, among those of the database.
    pub(super) name: String,
    pub(super) write: Write,
    pub(super) columns: Vec<Column>,
    pub(super) key: Vec<String>,
    pub(super) busy_timeout: Duration,
    pub(super) synchronous: Synchronous,
    pub(super) journal: Journal,
}

/// Whether SQLite would make a database of it that is nobody else's.
pub(super) fn is_in_memory(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.as_os_str() == ":memory:"
}

impl ConnectionSettings {
    pub(super) fn new(
        path: PathBuf,
        table: String,
        write: Write,
        columns: Vec<Column>,
        key: Vec<String>,
    ) -> Self {
        // Or it would be another file when the process changes its directory.
        let path = match is_in_memory(&path) {
            true => path,
            false => std::path::absolute(&path).unwrap_or(path),
        };
        ConnectionSettings {
            path,
            name: table.clone(),
            table,
            write,
            columns,
            key,
            busy_timeout: Duration::from_secs(5),
            synchronous: Synchronous::default(),
            journal: Journal::default(),
        }
    }
}
