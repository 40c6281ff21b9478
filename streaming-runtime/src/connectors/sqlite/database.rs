//! The SQL statements of a sink.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::{
    connectors::sqlite::{
        columns::{Column, quoted},
        place::DatabasePlace,
        settings::{ConnectionSettings, Journal, Synchronous, Write, is_in_memory},
    },
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        error::ConnectorError,
        target::Target,
    },
    time::BatchTime,
};

/// Between attempts to open a database that another connection holds.
const BUSY_STEP: Duration = Duration::from_millis(2);
/// The table of the sinks' last batches.
const BATCHES: &str = "_streaming_batches";

/// The longest time that SQLite can wait, which counts milliseconds in 32 bits: some 24 days.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

fn list(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

impl ConnectionSettings {
    /// For people.
    pub(super) fn place(&self) -> String {
        format!("table `{}` of `{}`", self.table, self.path.display())
    }

    /// The target of a sink with these settings: its table, or its name there.
    pub(super) fn targets(&self) -> Vec<Target> {
        vec![Target::file(&self.path).part(&self.name)]
    }

    /// Whether the given names are valid in SQL, and belong to the stream.
    fn check_names(&self) -> Result<(), ConnectorError> {
        let refused = |what: &str| Err(ConnectorError::Config(format!("{}: {what}", self.place())));
        if is_in_memory(&self.path) {
            return refused("the database must be a file: one in memory goes with its connection");
        }
        let table = self.table.to_ascii_lowercase();
        if table.is_empty() || table.starts_with("sqlite_") || table == BATCHES {
            return refused("that name is SQLite's or the sinks' own; give another");
        }
        match self.columns.iter().find_map(|column| column.check().err()) {
            Some(what) => refused(&what),
            None => Ok(()),
        }
    }

    /// Opens the database, makes what is missing, and compares what is there.
    pub(super) fn open(&self) -> Result<Connection, ConnectorError> {
        self.check_names()?;
        let refused = |kind, what: &str| {
            Err(ConnectorError::io(format!("open {}", self.place()), io::Error::new(kind, what)))
        };
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() && !parent.exists() => {
                return refused(io::ErrorKind::NotFound, "there is no such directory");
            }
            _ if self.path.is_dir() => return refused(io::ErrorKind::IsADirectory, "it is a directory"),
            _ => {}
        }
        let mut connection = self.connect_in_time().map_err(|error| self.failed("open", error))?;
        self.check(&connection)?;
        self.prepare(&mut connection)?;
        Ok(connection)
    }

    /// SQLite does not wait by itself when the journal's mode is to change and another connection is there, as when several
    /// sinks of a new database begin.
    fn connect_in_time(&self) -> rusqlite::Result<Connection> {
        let begun = Instant::now();
        loop {
            match self.connect() {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && begun.elapsed() < self.busy_timeout =>
                {
                    thread::sleep(BUSY_STEP);
                }
                connected => return connected,
            }
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout.min(LONGEST))?;
        let journal = match self.journal {
            Journal::Wal => "wal",
            Journal::Delete => "delete",
        };
        let now: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        if !now.eq_ignore_ascii_case(journal) {
            // SQLite answers with the mode that is used; if it is another one, that is as safe.
            connection.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(()))?;
        }
        let synchronous = match self.synchronous {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        self.create(&mut connection)?;
        Ok(connection)
    }

    /// Makes the tables that are missing.
    fn create(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(
            "create table if not exists _streaming_batches \
             (sink text primary key not null, batch_time integer not null) without rowid",
        )?;
        let is_there = transaction
            .prepare(
                "select 1 from sqlite_schema where type in ('table', 'view') and name = ?1 collate nocase",
            )?
            .exists([&self.table])?;
        if !is_there {
            transaction.execute_batch(&self.table_as_sql())?;
        }
        transaction.commit()
    }

    fn table_as_sql(&self) -> String {
        let is_key = |column: &Column| self.key.iter().any(|key| key.eq_ignore_ascii_case(&column.name));
        let columns = self.columns.iter().map(|column| {
            let not_null = if is_key(column) { " not null" } else { "" }; // or each null would be a key of its own
            format!("{} {}{not_null}", quoted(&column.name), column.declared())
        });
        let key = list(self.key.iter().map(|key| quoted(key)));
        let primary = if key.is_empty() { String::new() } else { format!(", primary key ({key})") };
        let table = quoted(&self.table);
        let mut sql = format!("create table {table} ({}{primary});", list(columns));
        if self.write == Write::Changes && key.is_empty() {
            let index = quoted(&format!("{}_streaming", self.table));
            sql += &format!("create index {index} on {table} ({});", self.names());
        }
        sql
    }

    fn names(&self) -> String {
        list(self.columns.iter().map(|column| quoted(&column.name)))
    }

    /// Whether the table has what is written.
    fn check(&self, connection: &Connection) -> Result<(), ConnectorError> {
        let there = connection
            .prepare("select name from pragma_table_info(?1)")
            .and_then(|mut names| names.query_map([&self.table], |row| row.get(0))?.collect())
            .map_err(|error| self.failed("look at", error))?;
        let there: Vec<String> = there;
        let has = |name: &str| there.iter().any(|column| column.eq_ignore_ascii_case(name));
        let wanted = self.columns.iter().map(|column| &column.name).chain(&self.key);
        let missing: Vec<_> = wanted.filter(|name| !has(name)).map(|name| format!("`{name}`")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let there = list(there.iter().map(|name| format!("`{name}`")));
        let missing = missing.join(", ");
        Err(ConnectorError::Config(format!("{} lacks {missing}; its columns are {there}", self.place())))
    }

    /// Lets SQLite compile what is to be written.
    fn prepare(&self, connection: &mut Connection) -> Result<(), ConnectorError> {
        let deletes = (self.write == Write::Changes).then(|| self.delete_as_sql());
        for sql in deletes.into_iter().chain([self.insert_as_sql()]) {
            connection.prepare_cached(&sql).map_err(|error| {
                let key = list(self.key.iter().map(|key| format!("`{key}`")));
                match error.sqlite_error_code() {
                    // SQLite's code for statements that it cannot parse.
                    Some(ErrorCode::Unknown) | None if self.write == Write::Upsert => ConnectorError::Config(format!(
                        "{}: rows cannot be put in the place of others: {error}; it needs a primary key or a \
                             unique index of exactly {key}",
                        self.place()
                    )),
                    Some(ErrorCode::Unknown) | None => ConnectorError::Config(format!("{}: {error}", self.place())),
                    _ => self.failed("prepare", error),
                }
            })?;
        }
        Ok(())
    }

    pub(super) fn insert_as_sql(&self) -> String {
        let numbers = list((1..=self.columns.len()).map(|number| format!("?{number}")));
        let insert = format!("insert into {} ({}) values ({numbers})", quoted(&self.table), self.names());
        if self.write != Write::Upsert {
            return insert;
        }
        let key = list(self.key.iter().map(|key| quoted(key)));
        let values = self.columns[self.key.len()..].iter().map(|column| quoted(&column.name));
        let set = list(values.map(|name| format!("{name} = excluded.{name}")));
        let instead = if set.is_empty() { "nothing".to_owned() } else { format!("update set {set}") };
        format!("{insert} on conflict ({key}) do {instead}")
    }

    /// Takes rows away that are alike, up to a number.
    pub(super) fn delete_as_sql(&self) -> String {
        let table = quoted(&self.table);
        let is = |(number, column): (usize, &Column)| format!("{} is ?{}", quoted(&column.name), number + 1);
        let alike = self.columns.iter().enumerate().map(is).collect::<Vec<_>>().join(" and ");
        let limit = self.columns.len() + 1;
        format!("delete from {table} where rowid in (select rowid from {table} where {alike} limit ?{limit})")
    }

    pub(super) fn last_batch(&self, connection: &Connection) -> Result<Option<BatchTime>, ConnectorError> {
        let last = connection
            .prepare_cached("select batch_time from _streaming_batches where sink = ?1")
            .and_then(|mut last| last.query_row([&self.name], |row| row.get::<_, u64>(0)).optional())
            .map_err(|error| self.failed("read the last batch of", error))?;
        Ok(last.map(BatchTime::from_nanos))
    }

    /// The checkpoint with which its rows were written, if that is known, and the last batch. What else is the matter with the
    /// database is said when it is opened to be written.
    pub(super) fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let Ok(connection) = Connection::open_with_flags(&self.path, flags) else { return Ok(None) };
        let marked = connection
            .busy_timeout(self.busy_timeout)
            .and_then(|()| {
                connection.prepare("select checkpoint from _streaming_checkpoints where sink = ?1")
            })
            .and_then(|mut mark| mark.query_row([&self.name], |row| row.get::<_, String>(0)).optional());
        let Ok(Some(text)) = marked else { return Ok(None) };
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let checkpoint = text.parse().map_err(|error| {
            ConnectorError::io(format!("read the checkpoint of {}", self.place()), invalid(error))
        })?;
        Ok(Some(CheckpointMark { checkpoint, last: self.last_batch(&connection)? }))
    }

    pub(super) fn mark_checkpoint(
        &self,
        connection: &mut Connection,
        checkpoint: CheckpointId,
    ) -> Result<(), ConnectorError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(
                "create table if not exists _streaming_checkpoints \
                 (sink text primary key not null, checkpoint text not null) without rowid",
            )?;
            transaction.execute(
                "insert into _streaming_checkpoints (sink, checkpoint) values (?1, ?2) \
                 on conflict (sink) do update set checkpoint = excluded.checkpoint",
                (&self.name, checkpoint.to_string()),
            )?;
            transaction.commit()
        };
        write(connection).map_err(|error| self.failed("write to", error))
    }

    /// Writes a batch, or returns the last batch if that one is not earlier.
    pub(super) fn write(
        &self,
        connection: &mut Connection,
        time: BatchTime,
        place: &mut DatabasePlace,
        rows: impl FnOnce(&Connection) -> Result<(), ConnectorError>,
    ) -> Result<Option<BatchTime>, ConnectorError> {
        let failed = |error| self.failed("write to", error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let last = self.last_batch(&transaction)?;
        place.has(last)?;
        if let Some(last) = last.filter(|last| *last >= time) {
            return Ok(Some(last));
        }
        rows(&transaction)?;
        transaction
            .prepare_cached(
                "insert into _streaming_batches (sink, batch_time) values (?1, ?2) \
                 on conflict (sink) do update set batch_time = excluded.batch_time",
            )
            .and_then(|mut last| last.execute((&self.name, time.as_nanos())))
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        place.has(Some(time))?;
        Ok(None)
    }

    pub(super) fn failed(&self, doing: &str, error: rusqlite::Error) -> ConnectorError {
        use io::ErrorKind::{
            InvalidData, Other, PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull,
        };
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ResourceBusy,
            Some(ErrorCode::DiskFull) => StorageFull,
            Some(ErrorCode::ReadOnly) => ReadOnlyFilesystem,
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => PermissionDenied,
            Some(
                ErrorCode::NotADatabase
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig,
            ) => InvalidData,
            Some(_) => Other,
            // Not SQLite's: a value that it has no place for.
            None => InvalidData,
        };
        let what = match kind {
            ResourceBusy => {
                format!("{doing} {}, which another connection held for {:?}", self.place(), self.busy_timeout)
            }
            _ => format!("{doing} {}", self.place()),
        };
        ConnectorError::io(what, io::Error::new(kind, error))
    }
}
