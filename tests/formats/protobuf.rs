//! Protocol buffers, beside Google's library for Python.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use streaming_runtime::formats::{Decode, protobuf};

use crate::{fuzz::is_hardened, others::python_with_libraries};

/// Descriptors and messages as Python makes them: the descriptor set and then the payloads, each behind its length.
const SCRIPT: &str = r#"
import struct, sys
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
F = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name='shop.proto', package='shop', syntax='proto3')
file.enum_type.add(name='Suit').value.add(name='HEARTS', number=0)
file.enum_type[0].value.add(name='SPADES', number=5)
file.message_type.add(name='Before')
click = file.message_type.add(name='Click')
def field(message, name, number, type, label=F.LABEL_OPTIONAL, **more):
    message.field.add(name=name, number=number, type=type, label=label, **more)
nested = click.nested_type.add(name='Inner')
field(nested, 'text', 1, F.TYPE_STRING)
entry = click.nested_type.add(name='CountsEntry')
entry.options.map_entry = True
field(entry, 'key', 1, F.TYPE_INT32)
field(entry, 'value', 2, F.TYPE_MESSAGE, type_name='.shop.Click.Inner')
field(click, 'user', 1, F.TYPE_UINT64)
field(click, 'page', 2, F.TYPE_STRING)
field(click, 'price', 3, F.TYPE_DOUBLE)
field(click, 'remark', 4, F.TYPE_STRING, proto3_optional=True, oneof_index=0)
click.oneof_decl.add(name='_remark')
field(click, 'raw', 5, F.TYPE_BYTES)
field(click, 'suit', 6, F.TYPE_ENUM, type_name='.shop.Suit')
field(click, 'suits', 7, F.TYPE_ENUM, F.LABEL_REPEATED, type_name='.shop.Suit')
field(click, 'deltas', 8, F.TYPE_SINT64, F.LABEL_REPEATED)
field(click, 'counts', 9, F.TYPE_MESSAGE, F.LABEL_REPEATED, type_name='.shop.Click.CountsEntry')
field(click, 'inner', 10, F.TYPE_MESSAGE, type_name='.shop.Click.Inner')
field(click, 'more', 11, F.TYPE_MESSAGE, type_name='.shop.Click')
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Click = message_factory.GetMessageClass(pool.FindMessageTypeByName('shop.Click'))
def write(bytes):
    sys.stdout.buffer.write(struct.pack('<Q', len(bytes)) + bytes)
write(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
full = Click(user=2**64 - 1, page='/käse', price=-0.5, remark='', raw=b'\0\xff', suit=5, suits=[0, 5], deltas=[-2**63, 1])
full.counts[-7].text = 'seven'
full.inner.text = 'in'
full.more.user = 3
write(full.SerializeToString())
write(Click().SerializeToString())
write(Click(suit=17).SerializeToString())
"#;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Click {
    user: u64,
    page: String,
    price: f64,
    remark: Option<String>,
    raw: Vec<u8>,
    suit: Suit,
    suits: Vec<Suit>,
    deltas: Vec<i64>,
    counts: BTreeMap<i32, Inner>,
    inner: Option<Inner>,
    more: Option<Box<Click>>,
}

fn empty(user: u64) -> Click {
    Click {
        user,
        page: String::new(),
        price: 0.0,
        remark: None,
        raw: Vec::new(),
        suit: Suit::Hearts,
        suits: Vec::new(),
        deltas: Vec::new(),
        counts: BTreeMap::new(),
        inner: None,
        more: None,
    }
}

/// The descriptor set, and payloads: a full one, an empty one, one with an enum that is a number only.
fn made() -> Option<(Vec<u8>, [Vec<u8>; 3])> {
    let said = python_with_libraries(SCRIPT, b"")?;
    let (mut rest, mut parts) = (&*said, Vec::new());
    while let Some((length, more)) = rest.split_first_chunk() {
        let (part, more) = more.split_at(u64::from_le_bytes(*length) as usize);
        parts.push(part.to_vec());
        rest = more;
    }
    let descriptors = parts.remove(0);
    Some((descriptors, parts.try_into().expect("three payloads")))
}

#[test]
fn messages_of_google_are_read() {
    let Some((descriptors, [full, nothing, unnamed])) = made() else { return };
    let mut clicks = protobuf::<Click>(&descriptors, "shop.Click").expect("a message");
    let read = clicks.decode(&full).expect("a click");
    let expected = Click {
        page: "/k\u{e4}se".to_owned(),
        price: -0.5,
        remark: Some(String::new()),
        raw: vec![0, 255],
        suit: Suit::Spades,
        suits: vec![Suit::Hearts, Suit::Spades],
        deltas: vec![i64::MIN, 1],
        counts: [(-7, Inner { text: "seven".to_owned() })].into(),
        inner: Some(Inner { text: "in".to_owned() }),
        more: Some(Box::new(empty(3))),
        ..empty(u64::MAX)
    };
    assert_eq!(read, expected);
    assert_eq!(clicks.decode(&nothing).expect("all defaults"), empty(0));
    let error = clicks.decode(&unnamed).expect_err("no suit has that number").to_string();
    assert!(error.contains("no `shop.Click` of this type: an enum has no symbol for 17"), "{error}");
    // As a map of whatever there is.
    let mut any = protobuf::<serde_json::Value>(&descriptors, "shop.Click").expect("a message");
    let read = any.decode(&full).expect("a map");
    assert_eq!(read["suit"], "SPADES");
    assert_eq!(read["counts"]["-7"]["text"], "seven");
    assert_eq!(any.decode(&unnamed).expect("a map")["suit"], 17);
    // In the wire format of a registry: schema 9, the second message of its file.
    let framed = |path: &[u8]| [&[0, 0, 0, 0, 9], path, &full].concat();
    let mut clicks = clicks.confluent();
    assert_eq!(clicks.decode(&framed(&[2, 2])).expect("a click"), expected);
    let error = clicks.decode(&framed(&[0])).expect_err("another message").to_string();
    assert_eq!(error, "another message of its schema: that at [0] and not at [1]");
    clicks.decode(&full).expect_err("it has no header");
    let mut inner = protobuf::<Inner>(&descriptors, "shop.Click.Inner").expect("a message").confluent();
    assert_eq!(inner.decode(&[0, 0, 0, 0, 9, 4, 2, 0, 10, 1, b'x']).expect("an inner").text, "x");
}

#[test]
fn whatever_comes_is_a_record_or_is_rejected() {
    let Some((descriptors, payloads)) = made() else { return };
    let clicks = protobuf::<Click>(&descriptors, "shop.Click").expect("a message");
    is_hardened(clicks.clone(), &payloads);
    let framed = payloads.map(|bytes| [vec![0, 0, 0, 0, 9, 2, 2], bytes].concat());
    is_hardened(clicks.confluent(), &framed);
    // Messages in messages without end.
    let mut deep = Vec::new();
    for _ in 0..20_000 {
        let mut length = deep.len();
        let mut outer = vec![11 << 3 | 2];
        while length > 0x7f {
            outer.push(length as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend_from_slice(&deep);
        deep = outer;
    }
    let error = protobuf::<Click>(&descriptors, "shop.Click").expect("a message").decode(&deep);
    error.expect_err("it is too deep");
}

#[test]
fn what_is_no_descriptor_is_an_error_before_the_job() {
    assert_eq!(
        protobuf::<Click>(b"\xff", "shop.Click").expect_err("no descriptors").code(),
        "connector.config"
    );
    let Some((descriptors, _)) = made() else { return };
    let error = protobuf::<Click>(&descriptors, "shop.Visit").expect_err("no such message").to_string();
    assert!(error.contains("no message `shop.Visit`") && error.contains("shop.Click"), "{error}");
}
