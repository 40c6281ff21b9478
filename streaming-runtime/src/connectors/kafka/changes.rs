//! Changes of a stream as records of a topic.

use std::collections::HashMap;

use crate::{
    connect::ConnectorError,
    connectors::kafka::{fault::Fault, record::Record},
};

/// The header that says how often a record came or went.
const CHANGE: &str = "change";

/// A record of which `n` came, or `-n` went.
pub(super) fn counted(record: Record, n: i64) -> Record {
    record.header(CHANGE, format!("{n:+}"))
}

/// What a batch of changes leaves of one key.
#[derive(Default)]
struct OfKey {
    records: HashMap<Record, i64>,
    /// The last that went, which says where its tombstone goes.
    partition: Option<i32>,
}

/// One record for each key that has changed, in the order in which keys come first: its new value, or a tombstone.
///
/// # Errors
/// A record without a key, or a key that has several values.
pub(super) fn upserts(
    topic: &str,
    changes: impl Iterator<Item = (Record, i64)>,
) -> Result<Vec<Record>, ConnectorError> {
    let what = || format!("write to topic `{topic}`");
    let (mut order, mut keys) = (Vec::new(), HashMap::<Vec<u8>, OfKey>::new());
    for (record, n) in changes {
        let Some(key) = record.key.clone() else {
            return Err(Fault::NoKey.at(&what()));
        };
        let of_key = keys.entry(key).or_insert_with_key(|key| {
            order.push(key.clone());
            OfKey::default()
        });
        if n < 0 {
            of_key.partition = record.partition;
        }
        *of_key.records.entry(record).or_default() += n;
    }
    let mut upserts = Vec::with_capacity(order.len());
    for key in order {
        let OfKey { records, partition } = keys.remove(&key).expect("each key is in the order once");
        let has_left = records.values().any(|n| *n < 0);
        let mut came = records.into_iter().filter(|(_, n)| *n > 0);
        match (came.next(), came.next()) {
            (None, _) if has_left => {
                upserts.push(Record { key: Some(key), partition, ..Record::default() });
            }
            (None, _) => {}
            (Some((record, 1)), None) => upserts.push(record),
            _ => {
                let key = String::from_utf8_lossy(&key).into_owned();
                return Err(Fault::SeveralValues { key }.at(&what()));
            }
        }
    }
    Ok(upserts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(changes: &[(&str, &str, i64)]) -> Result<Vec<Record>, ConnectorError> {
        upserts("t", changes.iter().map(|(key, value, n)| (Record::from((*key, *value)), *n)))
    }

    #[test]
    fn a_key_has_its_last_value_or_is_forgotten() {
        let made = of(&[
            ("a", "1", -1),
            ("b", "1", -1),
            ("a", "2", 1),
            ("c", "1", 1),
            ("c", "1", -1),
            ("d", "1", 2),
            ("d", "1", -1),
        ]);
        let expected = [Record::from(("a", "2")), Record::tombstone("b"), Record::from(("d", "1"))];
        assert_eq!(made.expect("one value a key"), expected);
    }

    #[test]
    fn what_has_no_key_or_several_values_is_refused() {
        let error = of(&[("a", "1", 1), ("a", "2", 1)]).expect_err("two values");
        assert!(error.to_string().contains("`a`") && !error.may_pass(), "{error}");
        assert!(of(&[("a", "1", 2)]).is_err());
        let error = upserts("t", [(Record::new("x"), 1)].into_iter()).expect_err("no key");
        assert!(error.to_string().contains(".format"), "{error}");
    }

    #[test]
    fn counts_have_signs() {
        assert_eq!(counted(Record::new("x"), 2).headers, [("change".to_owned(), Some(b"+2".to_vec()))]);
        assert_eq!(counted(Record::new("x"), -1).headers[0].1.as_deref(), Some(&b"-1"[..]));
    }
}
