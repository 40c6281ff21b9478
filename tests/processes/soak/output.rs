//! What a job has committed.

use std::{collections::BTreeMap, fs, path::Path};

use rusqlite::{Connection, types::ValueRef};

use super::Job;

/// Files and tables by name, each with its lines or rows in the order of their text: within a batch there is no order.
pub(crate) type Output = BTreeMap<String, Vec<String>>;

/// Reads what is in the directory of a job's outputs. What is hidden was never committed.
pub(crate) fn output(job: Job, directory: &Path) -> Output {
    let mut output = Output::new();
    let out = directory.join("out");
    let entries = fs::read_dir(&out).expect("there are outputs");
    for entry in entries {
        let entry = entry.expect("it can be read");
        let name = entry.file_name().into_string().expect("names are text");
        if entry.file_type().expect("it has a type").is_dir() {
            files(job, &name, &entry.path(), &mut output);
        }
    }
    tables(job, &out.join("rows.db"), &mut output);
    output.values_mut().for_each(|lines| lines.sort());
    output
}

/// The files of a batch. Where batches differ, the files of all batches are one.
fn files(job: Job, batch: &str, directory: &Path, output: &mut Output) {
    let sink = if job.has_the_same_batches() { batch } else { batch.split('-').next().unwrap_or(batch) };
    for entry in fs::read_dir(directory).expect("it can be read") {
        let name = entry.expect("it can be read").file_name().into_string().expect("names are text");
        if !name.starts_with('.') {
            let text = fs::read_to_string(directory.join(&name)).expect("it is text");
            let lines = output.entry(format!("file {sink}/{name}")).or_default();
            lines.extend(text.lines().map(str::to_owned));
        }
    }
}

fn tables(job: Job, database: &Path, output: &mut Output) {
    let database = Connection::open(database).expect("there is a database");
    let sound: String =
        database.query_row("pragma integrity_check", [], |row| row.get(0)).expect("it answers");
    assert_eq!(sound, "ok", "the database is damaged");
    let mut names = database.prepare("select name from sqlite_schema where type = 'table'").expect("SQL");
    let names: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("SQL").map(|name| name.expect("a name")).collect();
    // Which checkpoint it belongs to is another in each run.
    let is_output = |name: &&String| {
        *name != "_streaming_checkpoints" && (job.has_the_same_batches() || *name != "_streaming_batches")
    };
    for name in names.iter().filter(is_output) {
        let mut rows = database.prepare(&format!("select * from \"{name}\"")).expect("SQL");
        let columns = rows.column_count();
        let text = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            let value = |column| {
                Ok(match row.get_ref(column)? {
                    ValueRef::Null => "null".to_owned(),
                    ValueRef::Integer(n) => n.to_string(),
                    value => value.as_str()?.to_owned(),
                })
            };
            Ok((0..columns).map(value).collect::<rusqlite::Result<Vec<_>>>()?.join(" "))
        };
        let rows = rows.query_map([], text).expect("SQL").map(|row| row.expect("a row")).collect();
        output.insert(format!("table {name}"), rows);
    }
}
