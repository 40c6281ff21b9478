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
mod rows;
mod settings;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::settings::Write;
pub use self::{
    row::{AsIs, IntoRow, Row},
    settings::{Journal, Synchronous},
    table::{Appended, Changes, Table, Upsert},
};
#[cfg(doc)]
use crate::contract::error::ConnectorError;

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
