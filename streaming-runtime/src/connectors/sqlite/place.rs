//! Whether the database file is still the one that the sink opened at first.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{contract::error::ConnectorError, disk::Identity, time::BatchTime};

/// A database that was opened. SQLite keeps its files open, or what they mean is looked at anew.
///
/// Looked at by name: to open the file once more and to close it would take SQLite's locks away.
#[derive(Debug)]
pub(super) struct DatabasePlace {
    path: PathBuf,
    database: Identity,
    /// The log beside it, where there is one.
    log: Option<(PathBuf, Identity)>,
    /// The last batch that it is known to have.
    has: Option<BatchTime>,
}

impl DatabasePlace {
    /// Of a database that is open.
    pub(super) fn of(path: &Path) -> Result<Self, ConnectorError> {
        let failed = |error| ConnectorError::vanished_or_io(path, error);
        let whole = fs::canonicalize(path).map_err(failed)?;
        let mut log = OsString::from(whole);
        log.push("-wal");
        let log = PathBuf::from(log);
        let log = Identity::at(&log).ok().map(|identity| (log, identity));
        Ok(DatabasePlace {
            path: path.to_owned(),
            database: Identity::at(path).map_err(failed)?,
            log,
            has: None,
        })
    }

    /// It was opened once more.
    pub(super) fn reopened(&mut self) -> Result<(), ConnectorError> {
        let DatabasePlace { database, log, .. } = DatabasePlace::of(&self.path)?;
        (self.database, self.log) = (database, log);
        Ok(())
    }

    /// Fails if its files are not in their place any more. The log is there only while the database is open.
    pub(super) fn check(&self, is_open: bool) -> Result<(), ConnectorError> {
        let files = [(&self.path, self.database)].into_iter();
        let log = self.log.as_ref().filter(|_| is_open).map(|(path, identity)| (path, *identity));
        files.chain(log).try_for_each(|(path, identity)| {
            identity.check(path).map_err(|error| ConnectorError::vanished_or_io(path, error))
        })
    }

    /// It has `last`: fails if it had a later one.
    pub(super) fn has(&mut self, last: Option<BatchTime>) -> Result<(), ConnectorError> {
        if let Some(had) = self.has.filter(|had| last.is_none_or(|last| last < *had)) {
            return Err(ConnectorError::Vanished {
                what: self.path.display().to_string(),
                how: format!(
                    "the batch at {had} is not in it any more, which was written to it since the job began"
                ),
            });
        }
        self.has = last;
        Ok(())
    }
}
