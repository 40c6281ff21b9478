use std::{fs, io, path::PathBuf, time::Duration};

use rusqlite::Connection;

use super::*;
use crate::{
    connectors::policy::SinkPolicies,
    contract::{
        error::ConnectorError,
        retry::Retry,
        sink::{Batch, Sink},
    },
    time::BatchTime,
};

type Pair = (String, i64);

fn pairs(of: &[(&str, i64)]) -> Vec<Pair> {
    of.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

fn batch<T>(seconds: u64, records: Vec<T>) -> Batch<T> {
    Batch { time: BatchTime::from_millis(seconds * 1000), records }
}

struct DatabasePlace {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> DatabasePlace {
    let directory = tempfile::tempdir().expect("temp");
    DatabasePlace { path: directory.path().join("test.db"), _directory: directory }
}

impl DatabasePlace {
    fn open(&self) -> Connection {
        Connection::open(&self.path).expect("a database")
    }
    fn run(&self, sql: &str) {
        self.open().execute_batch(sql).expect("good SQL");
    }
    fn read(&self, table: &str) -> Vec<Pair> {
        let database = self.open();
        let mut rows =
            database.prepare(&format!("select word, n from {table} order by word, n")).expect("a table");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("pairs")
    }
    fn batches(&self) -> Vec<(String, i64)> {
        let database = self.open();
        let mut rows = database
            .prepare("select sink, batch_time from _streaming_batches order by sink")
            .expect("a table");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("pairs")
    }
}

fn kind(error: &ConnectorError) -> io::ErrorKind {
    match error {
        ConnectorError::Io { source, .. } => source.kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn appends_each_batch_once() {
    let place = place();
    let mut sink = append(&place.path, "t", ["word text", "n integer"]);
    assert_eq!(sink.last_batch().await.expect("opened"), None);
    sink.write(batch(1, pairs(&[("a", 1), ("a", 1)]))).await.expect("written");
    sink.write(batch(2, pairs(&[]))).await.expect("written");
    sink.write(batch(3, pairs(&[("b", 2)]))).await.expect("written");
    for again in 1..=3 {
        sink.write(batch(again, pairs(&[("again", 0)]))).await.expect("skipped");
    }
    assert_eq!(place.read("t"), pairs(&[("a", 1), ("a", 1), ("b", 2)]));
    assert_eq!(place.batches(), pairs(&[("t", 3_000_000_000)]));
    drop(sink);
    // As after a crash.
    let mut sink = append(&place.path, "t", ["word", "n"]);
    assert_eq!(sink.last_batch().await.expect("opened"), Some(BatchTime::from_millis(3000)));
    sink.write(batch(3, pairs(&[("again", 0)]))).await.expect("skipped");
    sink.write(batch(4, pairs(&[("c", 3)]))).await.expect("written");
    assert_eq!(place.read("t"), pairs(&[("a", 1), ("a", 1), ("b", 2), ("c", 3)]));
}

#[tokio::test]
async fn upserts_by_key() {
    let place = place();
    let mut sink = upsert(&place.path, "t", ["word"], ["n"]);
    sink.write(batch(1, pairs(&[("a", 1), ("b", 2)]))).await.expect("written");
    sink.write(batch(2, pairs(&[("a", 3), ("c", 1), ("c", 4)]))).await.expect("written");
    assert_eq!(place.read("t"), pairs(&[("a", 3), ("b", 2), ("c", 4)]));
    let mut keys = upsert(&place.path, "keys", ["word", "n"], []);
    keys.write(batch(1, pairs(&[("a", 1), ("a", 2), ("a", 1)]))).await.expect("written");
    assert_eq!(place.read("keys"), pairs(&[("a", 1), ("a", 2)]));
}

#[tokio::test]
async fn changes_are_summed_up_and_take_away_first() {
    let place = place();
    let change = |of: &[(&str, i64, i64)]| -> Vec<(Pair, i64)> {
        of.iter().map(|(word, n, times)| (((*word).to_owned(), *n), *times)).collect()
    };
    let mut bag = changes(&place.path, "bag", ["word", "n"]);
    let mut keyed = changes(&place.path, "keyed", ["word", "n"]).key(["word"]);
    bag.write(batch(1, change(&[("a", 1, 3), ("b", 1, 1)]))).await.expect("written");
    keyed.write(batch(1, change(&[("a", 1, 1), ("b", 1, 1)]))).await.expect("written");
    // An update with the new row first; one that comes and goes; one whose sum is nothing.
    let second = change(&[("a", 2, 1), ("a", 1, -1), ("c", 9, 1), ("c", 9, -1), ("b", 1, -1), ("b", 1, 1)]);
    bag.write(batch(2, second.clone())).await.expect("written");
    keyed.write(batch(2, second)).await.expect("written");
    assert_eq!(place.read("bag"), pairs(&[("a", 1), ("a", 1), ("a", 2), ("b", 1)]));
    assert_eq!(place.read("keyed"), pairs(&[("a", 2), ("b", 1)]));
    bag.write(batch(3, change(&[("a", 1, -2)]))).await.expect("written");
    assert_eq!(place.read("bag"), pairs(&[("a", 2), ("b", 1)]));

    let error = bag.write(batch(4, change(&[("a", 2, -3), ("d", 1, 1)]))).await.expect_err("there is one");
    assert_eq!(kind(&error), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("2 of 3 rows to take away are not there"), "{error}");
    assert_eq!(place.read("bag"), pairs(&[("a", 2), ("b", 1)]), "nothing of it is there");
    let twice = keyed.write(batch(4, change(&[("a", 5, 1)]))).await.expect_err("two values of a key");
    assert_eq!(kind(&twice), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn rows_of_changes_are_found_by_what_is_stored() {
    let place = place();
    type Record = (Option<f64>, Option<String>, Vec<u8>);
    let mut sink = changes::<3>(&place.path, "t", ["x real", "word text", "n blob"]);
    let records: Vec<Record> = vec![
        (Some(f64::NAN), None, vec![]),
        (Some(0.1), Some(String::new()), vec![0]),
        (Some(2.0), Some("5".to_owned()), vec![1, 2]),
    ];
    let all = |n: i64| records.iter().cloned().map(|record| (record, n)).collect::<Vec<_>>();
    sink.write(batch(1, all(2))).await.expect("written");
    sink.write(batch(2, all(-2))).await.expect("taken away");
    assert_eq!(place.open().query_row("select count(*) from t", [], |row| row.get(0)), Ok(0));
}

#[tokio::test]
async fn records_become_rows() {
    struct Click {
        user: u64,
        page: &'static str,
    }
    let place = place();
    let mut sink = append(&place.path, "t", ["n", "word"]).row(|click: Click| (click.user, click.page));
    sink.write(batch(1, vec![Click { user: 7, page: "/" }])).await.expect("written");
    assert_eq!(place.read("t"), pairs(&[("/", 7)]));
    let error = sink.write(batch(2, vec![Click { user: u64::MAX, page: "/" }])).await.expect_err("too large");
    assert_eq!(kind(&error), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn sinks_share_a_database() {
    let place = place();
    let (mut a, mut b) = (append(&place.path, "a", ["word", "n"]), append(&place.path, "b", ["word", "n"]));
    for second in 1..=20 {
        let (one, other) = tokio::join!(
            a.write(batch(second, pairs(&[("x", 1)]))),
            b.write(batch(second, pairs(&[("x", 1)])))
        );
        one.and(other).expect("written");
    }
    assert_eq!(place.batches(), pairs(&[("a", 20_000_000_000), ("b", 20_000_000_000)]));
    assert_eq!((place.read("a").len(), place.read("b").len()), (20, 20));
    let mut second = append(&place.path, "a", ["word", "n"]);
    let error = second.write(batch(21, pairs(&[]))).await.expect_err("a is taken");
    assert_eq!(error.code(), "connector.config");
    let mut named = append(&place.path, "a", ["word", "n"]).name("a/2");
    named.write(batch(1, pairs(&[("y", 2)]))).await.expect("a name of its own");
    drop(a);
    second.write(batch(21, pairs(&[("z", 3)]))).await.expect("a is free");
    assert_eq!(place.read("a").len(), 22);
}

#[tokio::test]
async fn nothing_is_left_of_a_batch_that_failed() {
    let place = place();
    place.run("create table t (word text, n integer not null check (n < 10))");
    let mut sink = append(&place.path, "t", ["word", "n"]);
    sink.write(batch(1, pairs(&[("a", 1)]))).await.expect("written");
    let error = sink.write(batch(2, pairs(&[("b", 2), ("c", 10)]))).await.expect_err("refused");
    assert_eq!(kind(&error), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("`t`") && error.to_string().contains("test.db"), "{error}");
    assert_eq!(sink.last_batch().await.expect("read"), Some(BatchTime::from_millis(1000)));
    assert_eq!(place.read("t"), pairs(&[("a", 1)]));
    sink.write(batch(2, pairs(&[("b", 2)]))).await.expect("written");
    assert_eq!(place.read("t"), pairs(&[("a", 1), ("b", 2)]));
}

#[tokio::test]
async fn a_panic_leaves_nothing_either() {
    let place = place();
    let mut sink = append(&place.path, "t", ["word", "n"]).row(|(word, n): (&'static str, i64)| {
        assert!(n < 3, "three");
        (word, n)
    });
    sink.write(batch(1, vec![("a", 1)])).await.expect("written");
    let (mut sink, panicked) = {
        let (back, taken) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut sink = Guard(Some(sink), Some(back));
            sink.0.as_mut().expect("there").write(batch(2, vec![("b", 2), ("c", 3)])).await
        });
        let panicked = task.await.expect_err("it goes on here").is_panic();
        (taken.await.expect("sent"), panicked)
    };
    assert!(panicked);
    sink.write(batch(2, vec![("b", 2)])).await.expect("written");
    assert_eq!(place.read("t"), pairs(&[("a", 1), ("b", 2)]));
}

/// Sends on what it holds when it is dropped.
struct Guard<T>(Option<T>, Option<tokio::sync::oneshot::Sender<T>>);
impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        if let (Some(held), Some(to)) = (self.0.take(), self.1.take()) {
            let _ = to.send(held);
        }
    }
}

#[tokio::test]
async fn a_locked_database_is_waited_for_and_then_an_error_that_may_pass() {
    let place = place();
    let mut sink = append(&place.path, "t", ["word", "n"]).busy_timeout(Duration::from_millis(20));
    sink.write(batch(1, pairs(&[("a", 1)]))).await.expect("written");
    let other = place.open();
    other.execute_batch("begin immediate").expect("locked");
    let error = sink.write(batch(2, pairs(&[("b", 2)]))).await.expect_err("locked");
    assert_eq!(kind(&error), io::ErrorKind::ResourceBusy);
    assert!(error.may_pass());
    assert!(error.to_string().contains("20ms"), "{error}");
    other.execute_batch("rollback").expect("free");
    sink.write(batch(2, pairs(&[("b", 2)]))).await.expect("written");
    assert_eq!(place.read("t").len(), 2);
    // With a policy, and a lock that is given up while it waits.
    other.execute_batch("begin immediate").expect("locked");
    let waits = Retry::default().waits(Duration::from_millis(1), Duration::from_millis(5)).attempts(1000);
    let mut sink = sink.retry(waits);
    let free = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.execute_batch("rollback").expect("free");
    };
    let (written, ()) = tokio::join!(sink.write(batch(3, pairs(&[("c", 3)]))), free);
    written.expect("in the end");
    assert_eq!(place.read("t").len(), 3);
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_may_pass() {
    let place = place();
    let mut sink = append(&place.path, "t", ["word", "n"]);
    sink.write(batch(1, pairs(&[("a", 1)]))).await.expect("written");
    let full = |sink: &Table<Appended<2>>, pages: u32| {
        let held = sink.connection.lock().expect("no panic");
        let open = held.as_ref().expect("open");
        open.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("set");
    };
    full(&sink, 1);
    let long = "x".repeat(100_000);
    let error = sink.write(batch(2, pairs(&[(&long, 1)]))).await.expect_err("full");
    assert_eq!(kind(&error), io::ErrorKind::StorageFull);
    assert!(error.may_pass());
    sink.write(batch(2, pairs(&[("b", 2)]))).await.expect("written");
    assert_eq!(place.read("t"), pairs(&[("a", 1), ("b", 2)]));
}

#[tokio::test]
async fn what_cannot_be_written_to_is_told() {
    let place = place();
    let write = async |mut sink: Table<Appended<2>>| {
        sink.write(batch(1, pairs(&[("a", 1)]))).await.expect_err("refused")
    };
    let missing = place.path.with_file_name("nowhere").join("test.db");
    let error = write(append(&missing, "t", ["word", "n"])).await;
    assert_eq!(kind(&error), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert!(!error.may_pass());

    let directory = place.path.parent().expect("a directory");
    assert_eq!(kind(&write(append(directory, "t", ["word", "n"])).await), io::ErrorKind::IsADirectory);

    let text = place.path.with_file_name("text");
    fs::write(&text, "no database, but long enough to be taken for one".repeat(100)).expect("written");
    assert_eq!(kind(&write(append(&text, "t", ["word", "n"])).await), io::ErrorKind::InvalidData);

    place.run("create table other (word text, m integer); create view shown as select 1 as word, 2 as n");
    let error = write(append(&place.path, "other", ["word", "n"])).await;
    assert_eq!(error.code(), "connector.config");
    assert!(error.to_string().ends_with("lacks `n`; its columns are `word`, `m`"), "{error}");
    assert_eq!(write(append(&place.path, "shown", ["word", "n"])).await.code(), "connector.config");

    let mut keyless = upsert(&place.path, "other", ["word"], ["m"]);
    let error = keyless.write(batch(1, pairs(&[("a", 1)]))).await.expect_err("no key");
    assert_eq!(error.code(), "connector.config");
    assert!(error.to_string().contains("a unique index of exactly `word`"), "{error}");
}

#[tokio::test]
async fn names_are_quoted_and_settings_hold() {
    let place = place();
    let mut sink = append(&place.path, "a \"b\"; drop", ["select text", "n\"n"])
        .journal(Journal::Delete)
        .synchronous(Synchronous::Normal);
    sink.write(batch(1, pairs(&[("a", 1)]))).await.expect("written");
    let held = sink.connection.lock().expect("no panic");
    let pragma = |name: &str| -> Value {
        held.as_ref().expect("open").pragma_query_value(None, name, |row| row.get(0)).expect("a value")
    };
    use rusqlite::types::Value;
    assert_eq!(pragma("journal_mode"), Value::Text("delete".to_owned()));
    assert_eq!(pragma("synchronous"), Value::Integer(1));
    let n: i64 = place
        .open()
        .query_row("select \"n\"\"n\" from \"a \"\"b\"\"; drop\"", [], |row| row.get(0))
        .expect("a row");
    assert_eq!(n, 1);
}
