//! The rows of a batch: added, put in the place of others, or taken away.

use std::{collections::HashMap, io};

use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, Value},
};

use crate::{
    connectors::sqlite::{
        row::{IntoRow, Row},
        settings::ConnectionSettings,
    },
    contract::error::ConnectorError,
};

/// Adds rows, or puts them in the place of others.
pub(super) fn insert<T, R: IntoRow<T>>(
    settings: &ConnectionSettings,
    connection: &Connection,
    records: Vec<T>,
    into_row: &R,
) -> Result<(), ConnectorError> {
    let insert = || {
        let mut statement = connection.prepare_cached(&settings.insert_as_sql())?;
        for record in records {
            let mut number = 0;
            into_row.row(record).each(&mut |value| {
                number += 1;
                statement.raw_bind_parameter(number, value)
            })?;
            statement.raw_execute()?;
        }
        Ok(())
    };
    insert().map_err(|error| settings.failed("write to", error))
}

/// Removes rows and adds others, by the sum of the batch's changes of each row.
pub(super) fn change<T, R: IntoRow<T>>(
    settings: &ConnectionSettings,
    connection: &Connection,
    records: Vec<(T, i64)>,
    into_row: &R,
) -> Result<(), ConnectorError> {
    let failed = |error| settings.failed("write to", error);
    let sums = net(records, into_row).map_err(failed)?;
    let mut delete = connection.prepare_cached(&settings.delete_as_sql()).map_err(failed)?;
    for (row, n) in sums.iter().filter(|(_, n)| *n < 0) {
        let limit = Value::Integer(n.saturating_neg());
        let gone = row.iter().chain([&limit]);
        let found = delete.execute(rusqlite::params_from_iter(gone)).map_err(failed)?;
        if (found as u64) < n.unsigned_abs() {
            let lacks = format!(
                "{} of {} rows to take away are not there",
                n.unsigned_abs() - found as u64,
                n.unsigned_abs()
            );
            let error = io::Error::new(io::ErrorKind::InvalidData, lacks);
            return Err(ConnectorError::io(format!("write to {}", settings.place()), error));
        }
    }
    let mut insert = connection.prepare_cached(&settings.insert_as_sql()).map_err(failed)?;
    for (row, n) in sums.iter().filter(|(_, n)| *n > 0) {
        for _ in 0..*n {
            insert.execute(rusqlite::params_from_iter(row)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Each row once, with the sum of its changes, in the order in which they come.
fn net<T, R: IntoRow<T>>(records: Vec<(T, i64)>, into_row: &R) -> rusqlite::Result<Vec<(Vec<Value>, i64)>> {
    let mut sums: Vec<(Vec<Value>, i64)> = Vec::new();
    let mut places = HashMap::new();
    for (record, n) in records {
        let mut row = Vec::with_capacity(R::Row::COLUMNS);
        into_row.row(record).each(&mut |value| {
            row.push(stored(value)?);
            Ok(())
        })?;
        let place = *places.entry(told_apart(&row)).or_insert(sums.len());
        match sums.get_mut(place) {
            Some((_, sum)) => *sum = sum.saturating_add(n),
            None => sums.push((row, n)),
        }
    }
    Ok(sums)
}

/// A value as the database has it.
fn stored(value: &dyn ToSql) -> rusqlite::Result<Value> {
    let value = match value.to_sql()? {
        ToSqlOutput::Owned(value) => value,
        ToSqlOutput::Borrowed(value) => value.try_into()?,
        _ => {
            return Err(rusqlite::Error::ToSqlConversionFailure(
                "only plain values can be taken away".into(),
            ));
        }
    };
    Ok(match value {
        Value::Real(number) if number.is_nan() => Value::Null,
        value => value,
    })
}

/// Bytes that are the same for the same values only.
fn told_apart(row: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut push = |kind: u8, content: &[u8]| {
        bytes.push(kind);
        bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
        bytes.extend_from_slice(content);
    };
    for value in row {
        match value {
            Value::Null => push(0, &[]),
            Value::Integer(n) => push(1, &n.to_le_bytes()),
            Value::Real(n) => push(2, &n.to_bits().to_le_bytes()),
            Value::Text(text) => push(3, text.as_bytes()),
            Value::Blob(blob) => push(4, blob),
        }
    }
    bytes
}
