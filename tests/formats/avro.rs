//! Avro, beside fastavro.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use streaming_runtime::formats::{Decode, avro};

use crate::{Click, clicks, fuzz::is_hardened, goes_round, others::python_with_libraries, written};

pub const CLICK: &str = r#"{"type": "record", "name": "Click", "namespace": "shop", "fields": [
    {"name": "user", "type": "long"},
    {"name": "page", "type": "string"},
    {"name": "price", "type": "double"},
    {"name": "referrer", "type": ["null", "string"], "default": null},
    {"name": "is_new", "type": "boolean"}]}"#;

/// Something of each kind of schema, one of which contains itself.
const ALL: &str = r#"{"type": "record", "name": "All", "namespace": "of.kinds", "fields": [
    {"name": "nothing", "type": "null"},
    {"name": "int", "type": "int"},
    {"name": "float", "type": "float"},
    {"name": "bytes", "type": "bytes"},
    {"name": "fixed", "type": {"type": "fixed", "name": "Two", "size": 2}},
    {"name": "suit", "type": {"type": "enum", "name": "Suit", "symbols": ["HEARTS", "SPADES"]}},
    {"name": "other_suit", "type": "Suit"},
    {"name": "numbers", "type": {"type": "array", "items": "long"}},
    {"name": "by_name", "type": {"type": "map", "values": ["null", "int"]}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "more", "type": ["null", "All"]}]}"#;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    nothing: (),
    int: i32,
    float: f32,
    bytes: Vec<u8>,
    #[serde(with = "bytes")]
    fixed: Vec<u8>,
    suit: Suit,
    other_suit: Suit,
    numbers: Vec<i64>,
    by_name: BTreeMap<String, Option<i32>>,
    at: i64,
    day: i32,
    more: Option<Box<All>>,
}

/// What the crate `serde_bytes` does: bytes by serde's own word for them.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Vec::deserialize(deserializer)
    }
}

fn all(more: Option<Box<All>>) -> All {
    All {
        nothing: (),
        int: i32::MIN,
        float: 0.5,
        bytes: vec![0, 255],
        fixed: vec![1, 2],
        suit: Suit::Spades,
        other_suit: Suit::Hearts,
        numbers: vec![i64::MIN, 0, i64::MAX],
        by_name: [("k\u{e4}se".to_owned(), None), (String::new(), Some(-1))].into(),
        at: 1_700_000_000_000,
        day: 19_000,
        more,
    }
}

/// Payloads behind their lengths, in eight bytes.
fn framed(payloads: &[Vec<u8>]) -> Vec<u8> {
    payloads.iter().flat_map(|bytes| [&(bytes.len() as u64).to_le_bytes()[..], bytes].concat()).collect()
}

fn unframed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (payload, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
        payloads.push(payload.to_vec());
        bytes = rest;
    }
    payloads
}

/// What fastavro reads of these and writes again, by the schema.
fn by_fastavro(schema: &str, payloads: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let script = format!(
        "
import fastavro, io, json, struct, sys
schema = fastavro.parse_schema(json.loads(r\'\'\'{schema}\'\'\'))
bytes = sys.stdin.buffer.read()
while bytes:
    n, = struct.unpack('<Q', bytes[:8])
    payload, bytes = io.BytesIO(bytes[8:8 + n]), bytes[8 + n:]
    record = fastavro.schemaless_reader(payload, schema)
    assert not payload.read(), 'bytes are left over'
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, record)
    sys.stdout.buffer.write(struct.pack('<Q', len(out.getvalue())) + out.getvalue())
"
    );
    python_with_libraries(&script, &framed(payloads)).map(|said| unframed(&said))
}

#[test]
fn records_go_to_fastavro_and_back() {
    let mut format = avro::<Click>(CLICK).expect("a schema");
    let payloads: Vec<Vec<u8>> =
        clicks().iter().map(|click| written(&mut format, click).expect("it can be written")).collect();
    if let Some(back) = by_fastavro(CLICK, &payloads) {
        assert_eq!(back, payloads);
        let read: Vec<Click> = back.iter().map(|bytes| format.decode(bytes).expect("a click")).collect();
        assert_eq!(read, clicks());
    }
    goes_round(format, &clicks());
    let mut format = avro::<All>(ALL).expect("a schema");
    let records = [all(None), all(Some(Box::new(all(Some(Box::new(all(None)))))))];
    let payloads: Vec<Vec<u8>> =
        records.iter().map(|record| written(&mut format, record).expect("it can be written")).collect();
    if let Some(back) = by_fastavro(ALL, &payloads) {
        let read: Vec<All> = back.iter().map(|bytes| format.decode(bytes).expect("all kinds")).collect();
        assert_eq!(read, records);
    }
    goes_round(format, &records);
}

#[test]
fn a_reader_schema_says_what_is_read() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Visit {
        user: f64,
        page: String,
        country: String,
    }
    let reader = r#"{"type": "record", "name": "Click", "namespace": "shop", "fields": [
        {"name": "page", "type": "string"},
        {"name": "user", "type": "double"},
        {"name": "country", "type": "string", "default": "nowhere"}]}"#;
    let bytes =
        written(&mut avro::<Click>(CLICK).expect("a schema"), &clicks()[1]).expect("it can be written");
    let mut visits = avro::<Visit>(CLICK).expect("a schema").reader_schema(reader).expect("a schema");
    let read = visits.decode(&bytes).expect("it can be read so");
    assert_eq!(read, Visit { user: 7.0, page: "/a,b".to_owned(), country: "nowhere".to_owned() });
    let other = r#"{"type": "record", "name": "Click", "fields": [{"name": "weight", "type": "int"}]}"#;
    let mut others = avro::<Visit>(CLICK).expect("a schema").reader_schema(other).expect("a schema");
    let error = others.decode(&bytes).expect_err("there is no weight").to_string();
    assert!(error.starts_with("no Avro of its schema"), "{error}");
}

#[test]
fn what_is_no_schema_is_an_error_before_the_job() {
    for bad in ["", "{}", r#"{"type": "record", "name": "A", "fields": [{"name": "b", "type": "B"}]}"#] {
        assert_eq!(avro::<Click>(bad).expect_err(bad).code(), "connector.config");
    }
}

/// Lengths that lie, texts that are cut, values that nest without end.
#[test]
fn payloads_that_lie_are_rejected() {
    let chain =
        r#"{"type": "record", "name": "Link", "fields": [{"name": "next", "type": ["null", "Link"]}]}"#;
    let nulls = r#"{"type": "array", "items": {"type": "array", "items": "null"}}"#;
    let cases: [(&str, Vec<u8>, &str); 8] = [
        (r#""string""#, vec![20, b'a'], "it ends too early"),
        (r#""string""#, vec![2, 0xff], "a text is no UTF-8"),
        (r#""string""#, vec![1], "a length is -1"),
        (r#""boolean""#, vec![], "it ends too early"),
        (r#""long""#, vec![0, 0], "1 bytes are left over"),
        (r#""bytes""#, [vec![0xff; 9], vec![1]].concat(), "a length is -9223372036854775808"),
        (nulls, [2, 0xfe, 0xff, 0xff, 0xff, 0x1f, 0, 0].to_vec(), "a block has"),
        (chain, vec![2; 1_000_000], "nest more than 128 deep"),
    ];
    for (schema, bytes, reason) in cases {
        let error = avro::<serde_json::Value>(schema).expect("a schema").decode(&bytes).expect_err(reason);
        assert!(error.to_string().contains(reason), "{error}, not {reason}");
    }
}

#[test]
fn whatever_comes_is_a_record_or_is_rejected() {
    let mut format = avro::<Click>(CLICK).expect("a schema");
    let right: Vec<Vec<u8>> =
        clicks().iter().map(|click| written(&mut format, click).expect("Avro")).collect();
    is_hardened(format.clone(), &right);
    is_hardened(format.reader_schema(CLICK).expect("a schema"), &right);
    let mut format = avro::<All>(ALL).expect("a schema");
    let right = [all(None), all(Some(Box::new(all(None))))];
    let right: Vec<Vec<u8>> =
        right.iter().map(|record| written(&mut format, record).expect("Avro")).collect();
    is_hardened(format, &right);
}
