//! Strings that go into SQL.

use rusqlite::Connection;
use streaming_runtime::{
    JobError,
    connect::{queue, sqlite},
};

use crate::copy_to;

fn line() -> streaming_runtime::connect::queue::Queue<String> {
    queue(vec![vec!["a".to_owned()]])
}

#[tokio::test]
async fn a_column_list_drops_no_table() {
    let hostile = [
        "text text); drop table users; --",
        "text text); drop table users; create table x (y",
        "text text, other integer",
        "text text default (load_extension('x'))",
        "text text -- ",
        "text text /* */",
        "text \"text",
        "text 'text'",
        "text [text]",
        "text `text`",
        "text text(1) (2)",
        "text text(1, 2, 3)",
        "text text(a)",
        "text text(",
        "text text)",
        "text (1)",
        "text text\0",
        "text té\u{301}xt;",
        "text ?1",
        "",
        "  ",
    ];
    for column in hostile {
        let directory = tempfile::tempdir().expect("temp");
        let path = directory.path().join("rows.db");
        let users = Connection::open(&path).expect("opened");
        users
            .execute_batch("create table users (name text); insert into users values ('ann')")
            .expect("made");
        let out = sqlite::append(&path, "rows", [column]).row(|text: String| (text,));
        let error = copy_to(line(), out).await.expect_err(column);
        let JobError::Sink { port: "out", source } = error else { panic!("{column:?}: {error}") };
        assert_eq!(source.code(), "connector.config", "{column:?}: {source}");
        let names: Vec<String> = users
            .prepare("select name from users")
            .and_then(|mut names| names.query_map([], |row| row.get(0))?.collect())
            .unwrap_or_else(|error| panic!("{column:?}: {error}"));
        assert_eq!(names, ["ann"], "{column:?}");
        let tables: i64 = users
            .query_row("select count(*) from sqlite_schema where name in ('rows', 'x')", [], |row| row.get(0))
            .expect("read");
        assert_eq!(tables, 0, "{column:?}");
    }
}

#[tokio::test]
async fn types_are_taken_as_they_are_meant() {
    let good = [
        "text",
        "text text",
        "text TEXT not null",
        "text varchar(20)",
        "text decimal(10, 2)",
        "text decimal( +10 , -2 ) not null",
        "text double precision",
        "text text collate nocase",
        "text text default 5",
        "text text default -1.5",
        "text text unique",
        "  text   text  ",
    ];
    for column in good {
        let directory = tempfile::tempdir().expect("temp");
        let path = directory.path().join("rows.db");
        let out = sqlite::append(&path, "rows", [column]).row(|text: String| (text,));
        copy_to(line(), out).await.unwrap_or_else(|error| panic!("{column:?}: {error}"));
        let rows = Connection::open(&path).expect("opened");
        let text: String = rows.query_row("select text from rows", [], |row| row.get(0)).expect("a row");
        assert_eq!(text, "a", "{column:?}");
    }
}

#[tokio::test]
async fn the_sinks_own_tables_are_no_tables_of_rows() {
    for table in ["_streaming_batches", "_STREAMING_BATCHES", "sqlite_schema", "Sqlite_x", ""] {
        let directory = tempfile::tempdir().expect("temp");
        let path = directory.path().join("rows.db");
        let out = sqlite::append(&path, table, ["sink", "batch_time"]).row(|text: String| (text, 1));
        let error = copy_to(line(), out).await.expect_err(table);
        let JobError::Sink { source, .. } = error else { panic!("{table}: {error}") };
        assert_eq!(source.code(), "connector.config", "{table}: {source}");
    }
}

/// A database in memory is gone with its connection.
#[tokio::test]
async fn a_database_is_a_file() {
    for path in [":memory:", ""] {
        let out = sqlite::append(path, "rows", ["text"]).row(|text: String| (text,));
        let error = copy_to(line(), out).await.expect_err(path);
        let JobError::Sink { source, .. } = error else { panic!("{path}: {error}") };
        assert_eq!(source.code(), "connector.config", "{path}: {source}");
    }
}
