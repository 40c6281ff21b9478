//! A table as a sink.

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

use crate::{
    connectors::{
        blocking::blocking,
        sqlite::{
            columns::Column,
            place::DatabasePlace,
            row::{AsIs, IntoRow, Row},
            rows,
            settings::{ConnectionSettings, Journal, Synchronous, Write},
        },
    },
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        sink::{Batch, Sink},
        target::{Claim, Target},
    },
    time::BatchTime,
};

/// How [`append`](super::append) writes.
#[derive(Debug)]
pub enum Appended<const N: usize> {}
/// How [`upsert`](super::upsert) writes.
#[derive(Debug)]
pub enum Upsert<const K: usize, const V: usize> {}
/// How [`changes`](super::changes) writes.
#[derive(Debug)]
pub enum Changes<const N: usize> {}

/// A table of a SQLite database as a sink: [`append`](super::append), [`upsert`](super::upsert) or [`changes`](super::changes).
pub struct Table<M, R = AsIs> {
    settings: Arc<ConnectionSettings>,
    row: Arc<R>,
    /// Opened with the first batch, and anew after an error. In use by one write at a time, also if that was given up.
    pub(super) connection: Arc<Mutex<Option<Connection>>>,
    /// The database that was opened, since it was at first.
    place: Arc<Mutex<Option<DatabasePlace>>>,
    claim: Option<Claim>,
    /// The first batch that was skipped has been told of.
    skipped: Arc<AtomicBool>,
    mode: PhantomData<fn() -> M>,
}

impl<M> Table<M> {
    pub(super) fn new(
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
        self.write_with(batch, rows::insert).await
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
        self.write_with(batch, rows::insert).await
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
        self.write_with(batch, rows::change).await
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
