//! Tables of a SQLite database as sinks. Each batch is there exactly once, also after a crash.
//!
//! | sink | takes | a batch |
//! |---|---|---|
//! | [`append`] | any stream | adds its rows |
//! | [`upsert`] | rows by key, such as an `update_state` keeps | adds rows, or replaces those with the same key |
//! | [`changes`] | the [`changes`](crate::Stream::changes) of a window or a table | removes rows and adds others, so that the database's table equals the stream's contents |
//!
//! ```
//! use streaming_runtime::{ManualClock, connect::{queue, sqlite}, prelude::*};
//!
//! stream!(
//!     /// Words of each batch, and of the last two.
//!     #[batch(secs(1))]
//!     pub fn words<words: Source<String>, counts: Sink<(String, i64)>, recent: Sink<((String, i64), i64)>>() {
//!         words.count_by_value().to(counts);
//!         words.window(secs(2), secs(1)).count_by_value().changes().to(recent);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let directory = tempfile::tempdir()?;
//!     let path = directory.path().join("words.db");
//!     let clock = ManualClock::new();
//!     let batch = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
//!     let mut job = Engine::new().manual_clock(&clock).start(words::Ports {
//!         words: queue(vec![batch("a b a"), batch("b"), batch("b c")]),
//!         counts: sqlite::append(&path, "counts", ["word text", "n integer"]),
//!         recent: sqlite::changes(&path, "recent", ["word", "n"]),
//!     })?;
//!     clock.advance(secs(3));
//!     job.join().await?;
//!
//!     let database = rusqlite::Connection::open(&path)?;
//!     let read = |sql: &str| -> rusqlite::Result<Vec<(String, i64)>> {
//!         database.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
//!     };
//!     let of = |pairs: &[(&str, i64)]| pairs.iter().map(|(word, n)| (word.to_string(), *n)).collect::<Vec<_>>();
//!     assert_eq!(read("select word, sum(n) from counts group by word order by word")?, of(&[("a", 2), ("b", 3), ("c", 1)]));
//!     assert_eq!(read("select word, n from recent order by word")?, of(&[("b", 2), ("c", 1)]));
//!     Ok(())
//! }
//! ```
//!
//! # Tables
//!
//! Columns are given by name, and optionally a type: `"n integer"`, `"price decimal(10, 2) not null"`. A type may have words,
//! numbers, and one or two numbers in parentheses. Anything else is refused, so a list of columns may come from a configuration. A
//! missing table is created; an existing one needs these columns, and may have others with defaults. A tuple or array of what SQLite
//! stores is a row. For other records, [`row`](Table::row) makes rows.
//!
//! # Once
//!
//! The rows of a batch and its time are written in one transaction. The time goes to the table `_streaming_batches`,
//! `(sink text primary key, batch_time integer)`, in nanoseconds since the Unix epoch; `sink` is the table's name, or
//! [another one](Table::name). A batch that is not later than the last one of its sink is there already, and is skipped. So a table
//! belongs to one stream. To write into it from another one, whose times may be earlier, remove the row of `_streaming_batches`, and
//! the rows of the table if they should not stay.
//!
//! In a job with checkpoints the table `_streaming_checkpoints`, `(sink text primary key, checkpoint text)`, says with which one
//! the rows of each sink were written. A job that has another is refused at its start, as is one whose checkpoint knows less
//! than the database has: see [`Checkpoint::adopt`](crate::Checkpoint::adopt).
//!
//! Any number of sinks may write to one database; they take turns, each batch and sink one commit. Two with one name
//! in a process would take each other's batches for their own: a job is not started that has the second.
//!
//! The database must stay where it is while the job runs. If it is removed, moved or replaced, or lacks a batch that was
//! written to it, that is an error with the next batch, and not a database that begins anew. Its files have the mode that
//! the process' umask gives them.
//!
//! # Errors
//!
//! Each names the database and the table. What was written of a batch that failed is taken back; nothing is tried
//! again unless [a policy](crate::connect::SinkPolicies) says so.
//!
//! | what | error | [may pass](ConnectorError::may_pass) |
//! |---|---|---|
//! | locked by another connection for longer than the [`busy_timeout`](Table::busy_timeout) | [`Io`](ConnectorError::Io), `ResourceBusy` | yes |
//! | a full disk | `Io`, `StorageFull` | yes |
//! | reading or writing fails | `Io`, `Other` | yes |
//! | no such directory; no permission; read-only | `Io`, `NotFound`, `PermissionDenied`, `ReadOnlyFilesystem` | no |
//! | no database, or a damaged one; a row that the table refuses; one to take away that is not there | `Io`, `InvalidData` | no |
//! | a table with other columns, or without the key; a second sink of that name; a type that is none | [`Config`](ConnectorError::Config) | no |
//! | the database is not in its place any more | [`Vanished`](ConnectorError::Vanished) | no |

mod columns;
mod database;
mod place;
mod row;
mod settings;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    marker::PhantomData,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use self::{
    columns::Column,
    place::DatabasePlace,
    settings::{ConnectionSettings, Write},
};
pub use self::{
    row::{AsIs, IntoRow, Row},
    settings::{Journal, Synchronous},
};
use crate::{
    connectors::blocking::blocking,
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        sink::{Batch, Sink},
        target::{Claim, Target},
    },
    time::BatchTime,
};

/// Adds the rows of each batch to a table.
///
/// ```
/// use streaming_runtime::connect::sqlite;
///
/// struct Click { user: u64, page: String }
///
/// let counts = sqlite::append("words.db", "counts", ["word text", "n integer"]); // of (String, i64)
/// let clicks = sqlite::append("clicks.db", "clicks", ["user", "page"]).row(|click: Click| (click.user, click.page));
/// # let _ = (counts, clicks);
/// ```
///
/// # Errors
/// See [the module](self). They come with the first batch. That rows fit the columns is checked at compile time.
pub fn append<const N: usize>(
    path: impl AsRef<Path>,
    table: impl Into<String>,
    columns: [&str; N],
) -> Table<Appended<N>> {
    Table::new(path, table, Write::Appended, &columns, 0)
}

/// Adds rows to a table, or replaces those with the same key.
///
/// A row has the columns of the key first, then the values. The key is the table's primary key; an existing table needs a unique
/// index on it. Within a batch the later row of a key counts. A key that the stream no longer has stays in the table; use
/// [`changes`] where keys disappear.
///
/// ```
/// use streaming_runtime::connect::sqlite;
///
/// let counts = sqlite::upsert("words.db", "counts", ["word"], ["n"]); // of (String, i64)
/// let days = sqlite::upsert("sales.db", "days", ["shop", "day"], ["sum"])
///     .row(|((shop, day), sum): ((u32, String), f64)| (shop, day, sum));
/// # let _ = (counts, days);
/// ```
///
/// # Errors
/// See [the module](self).
pub fn upsert<const K: usize, const V: usize>(
    path: impl AsRef<Path>,
    table: impl Into<String>,
    key: [&str; K],
    values: [&str; V],
) -> Table<Upsert<K, V>> {
    let columns: Vec<_> = key.into_iter().chain(values).collect();
    Table::new(path, table, Write::Upsert, &columns, K)
}

/// Keeps a table equal to the contents of a stream, by its [`changes`](crate::Stream::changes): for `(record, n)`, `n` rows are added,
/// or `-n` rows removed.
///
/// The changes of a batch are summed up per row. Rows are removed before others are added, so that a row with a key can be replaced.
/// A row is found by all of its columns. A table that is created here has an index for that; with [`key`](Table::key) it is the
/// primary key.
///
/// ```
/// use streaming_runtime::connect::sqlite;
///
/// let recent = sqlite::changes("words.db", "recent", ["word", "n"]).key(["word"]); // of ((String, i64), i64)
/// # let _ = recent;
/// ```
///
/// # Errors
/// See [the module](self). Also a row to remove that is not there: somebody else wrote to the table, or the stream began before the
/// sink was there.
pub fn changes<const N: usize>(
    path: impl AsRef<Path>,
    table: impl Into<String>,
    columns: [&str; N],
) -> Table<Changes<N>> {
    Table::new(path, table, Write::Changes, &columns, 0)
}

/// How [`append`] writes.
#[derive(Debug)]
pub enum Appended<const N: usize> {}
/// How [`upsert`] writes.
#[derive(Debug)]
pub enum Upsert<const K: usize, const V: usize> {}
/// How [`changes`] writes.
#[derive(Debug)]
pub enum Changes<const N: usize> {}

/// A table of a SQLite database as a sink: [`append`], [`upsert`] or [`changes`].
pub struct Table<M, R = AsIs> {
    settings: Arc<ConnectionSettings>,
    row: Arc<R>,
    /// Opened with the first batch, and anew after an error. In use by one write at a time, also if that was given up.
    connection: Arc<Mutex<Option<Connection>>>,
    /// The database that was opened, since it was at first.
    place: Arc<Mutex<Option<DatabasePlace>>>,
    claim: Option<Claim>,
    /// The first batch that was skipped has been told of.
    skipped: Arc<AtomicBool>,
    mode: PhantomData<fn() -> M>,
}

impl<M> Table<M> {
    fn new(
        path: impl AsRef<Path>,
        table: impl Into<String>,
        write: Write,
        columns: &[&str],
        key: usize,
    ) -> Self {
        let columns: Vec<_> = columns.iter().copied().map(Column::of).collect();
        let key = columns[..key].iter().map(|column| column.name.clone()).collect();
        let settings = ConnectionSettings::new(path.as_ref().to_owned(), table.into(), write, columns, key);
        Table {
            settings: Arc::new(settings),
            row: Arc::new(AsIs),
            connection: Arc::default(),
            place: Arc::default(),
            claim: None,
            skipped: Arc::default(),
            mode: PhantomData,
        }
    }
}

impl<M, R> Table<M, R> {
    /// How to make a row from a record, for instance `.row(|click: Click| (click.user, click.page))`.
    pub fn row<T, V: Row, F: Fn(T) -> V + Send + Sync + 'static>(self, row: F) -> Table<M, F> {
        let Table { settings, connection, place, claim, skipped, mode, .. } = self;
        Table { settings, row: Arc::new(row), connection, place, claim, skipped, mode }
    }
    /// The name under which the last batch is noted in `_streaming_batches`: the table's by default. Two sinks of one table need two
    /// names.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings_mut().name = name.into();
        self
    }
    /// How long to wait while another connection writes: 5 s by default.
    pub fn busy_timeout(mut self, limit: Duration) -> Self {
        self.settings_mut().busy_timeout = limit;
        self
    }
    /// [`Synchronous::Full`] by default.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.settings_mut().synchronous = synchronous;
        self
    }
    /// [`Journal::Wal`] by default. It is a property of the database: the last setting holds for all its tables.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.settings_mut().journal = journal;
        self
    }

    fn settings_mut(&mut self) -> &mut ConnectionSettings {
        Arc::make_mut(&mut self.settings)
    }

    /// The last batch that is in the database for good; what is not later is skipped.
    ///
    /// # Errors
    /// As for a batch: the database is opened and the table created, if that was not done yet.
    pub async fn last_batch(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.with(|settings, connection, _| settings.last_batch(connection)).await
    }

    /// Does `work` with the connection, on a thread for that.
    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&ConnectionSettings, &mut Connection, &mut DatabasePlace) -> Result<T, ConnectorError>
        + Send
        + 'static,
    ) -> Result<T, ConnectorError> {
        if self.claim.is_none() {
            self.claim = Some(claim(&self.settings)?);
        }
        let (settings, connection) = (self.settings.clone(), self.connection.clone());
        let place = self.place.clone();
        blocking(move || {
            // A panic in a record's closure has rolled its transaction back.
            let mut held = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = &mut *place {
                place.check(held.is_some())?;
            }
            let mut open = match held.take() {
                Some(open) => open,
                None => {
                    let open = settings.open()?;
                    match &mut *place {
                        Some(place) => place.reopened()?,
                        None => *place = Some(DatabasePlace::of(&settings.path)?),
                    }
                    open
                }
            };
            let place = place.as_mut().expect("it is known since the database was opened");
            let done = work(&settings, &mut open, place)?;
            // What was written to files that were removed meanwhile is lost.
            place.check(true)?;
            *held = Some(open); // after an error, the next one begins with a new connection
            Ok(done)
        })
        .await?
    }

    /// Writes a batch, unless it is there already.
    async fn write_with<T: Send + 'static>(
        &mut self,
        batch: Batch<T>,
        rows: impl FnOnce(&ConnectionSettings, &Connection, Vec<T>, &R) -> Result<(), ConnectorError>
        + Send
        + 'static,
    ) -> Result<(), ConnectorError>
    where
        R: Send + Sync + 'static,
    {
        let (row, skipped) = (self.row.clone(), self.skipped.clone());
        self.with(move |settings, connection, place| {
            let Batch { time, records } = batch;
            let write = |connection: &Connection| rows(settings, connection, records, &row);
            if let Some(last) = settings.write(connection, time, place, write)?
                && !skipped.swap(true, Ordering::Relaxed)
            {
                tracing::warn!(
                    database = %settings.path.display(), table = settings.table, batch = %time, %last,
                    "batches up to the last one in the database are skipped: they are there already"
                );
            }
            Ok(())
        })
        .await
    }
}

impl<const N: usize, R> Table<Changes<N>, R> {
    /// Columns of which the table has each value once: a primary key, if the table is made.
    pub fn key<const K: usize>(mut self, columns: [&str; K]) -> Self {
        self.settings_mut().key = columns.iter().map(|column| Column::of(column).name).collect();
        self
    }
}

impl<T: Send + 'static, R: IntoRow<T>, const N: usize> Sink<T> for Table<Appended<N>, R> {
    const MAY_BLOCK: bool = false;
    const DELIVERY: Delivery = Delivery::Transactional;

    fn targets(&self) -> Vec<Target> {
        self.settings.targets()
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.settings.checkpoint_mark()
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.with(move |settings, connection, _| settings.mark_checkpoint(connection, checkpoint)).await
    }

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.last_batch().await
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        const { assert!(N == R::Row::COLUMNS, "a row has as many values as the table has columns") };
        self.write_with(batch, database::insert).await
    }
}

impl<T: Send + 'static, R: IntoRow<T>, const K: usize, const V: usize> Sink<T> for Table<Upsert<K, V>, R> {
    const MAY_BLOCK: bool = false;
    const DELIVERY: Delivery = Delivery::Transactional;

    fn targets(&self) -> Vec<Target> {
        self.settings.targets()
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.settings.checkpoint_mark()
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.with(move |settings, connection, _| settings.mark_checkpoint(connection, checkpoint)).await
    }

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.last_batch().await
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        const { assert!(K > 0, "an upsert has a key") };
        const { assert!(K + V == R::Row::COLUMNS, "a row has as many values as the table has columns") };
        self.write_with(batch, database::insert).await
    }
}

impl<T: Send + 'static, R: IntoRow<T>, const N: usize> Sink<(T, i64)> for Table<Changes<N>, R> {
    const MAY_BLOCK: bool = false;
    const DELIVERY: Delivery = Delivery::Transactional;

    fn targets(&self) -> Vec<Target> {
        self.settings.targets()
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.settings.checkpoint_mark()
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.with(move |settings, connection, _| settings.mark_checkpoint(connection, checkpoint)).await
    }

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.last_batch().await
    }

    async fn write(&mut self, batch: Batch<(T, i64)>) -> Result<(), ConnectorError> {
        const { assert!(N == R::Row::COLUMNS, "a row has as many values as the table has columns") };
        self.write_with(batch, database::change).await
    }
}

impl<M, R> fmt::Debug for Table<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The name of a sink in its database, which may be used without an engine, too.
fn claim(settings: &ConnectionSettings) -> Result<Claim, ConnectorError> {
    let name = Target::file(&settings.path).part(format!("sink {}", settings.name));
    Claim::new(&name, "a sink").map_err(|_| {
        ConnectorError::Config(format!(
            "{}: another sink of this process is called `{}` there, and would take this one's batches for its own; give \
             one of them a `.name(..)`",
            settings.place(),
            settings.name
        ))
    })
}
