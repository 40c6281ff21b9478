//! Tests of `serializer`.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::*;

#[derive(Serialize, Deserialize)]
enum SerializeEvent {
    Start,
    At(i32, String),
    One(Box<SerializeEvent>),
    Named { of: Option<u128>, points: Vec<(f32, f64)> },
}

#[derive(Serialize, Deserialize)]
struct All(SerializeEvent, char, [u8; 3], ());

/// Another writer of the same format would not be read by whoever wrote before.
#[test]
fn the_bytes_are_postcards() {
    let values = (
        All(SerializeEvent::Start, 'ä', [1, 2, 3], ()),
        SerializeEvent::At(-7, "seven".to_owned()),
        SerializeEvent::One(Box::new(SerializeEvent::Named {
            of: Some(u128::MAX),
            points: vec![(1.5, f64::NAN)],
        })),
        SerializeEvent::Named { of: None, points: Vec::new() },
        BTreeMap::from([(1_u8, Some(i128::MIN)), (2, None)]),
        (true, i8::MIN, u16::MAX, i16::MIN, u32::MAX, i64::MIN, u64::MAX),
    );
    let mut bytes = Vec::new();
    let mut forms = Forms::default();
    values.serialize(&mut ByteWriter::noting(&mut bytes, &mut forms)).expect("it can be written");
    assert_eq!(bytes, postcard::to_allocvec(&values).expect("it can be written"));
}

#[test]
fn sets_and_maps_are_put_in_order() {
    let set: Vec<HashSet<u32>> = vec![(0..50).collect(), HashSet::new()];
    let map: HashMap<String, Vec<HashSet<u32>>> = (0..9).map(|n| (n.to_string(), set.clone())).collect();
    let bytes = |value: &HashMap<String, Vec<HashSet<u32>>>| {
        let (mut bytes, mut written) = (Vec::new(), Written::default());
        value.serialize(&mut ByteWriter::in_order(&mut bytes, &mut written)).expect("it can be written");
        bytes
    };
    let other: HashMap<_, _> = map
        .iter()
        .map(|(key, sets)| {
            let again = |set: &HashSet<u32>| set.iter().copied().collect();
            (key.clone(), sets.iter().map(again).collect())
        })
        .collect();
    assert_eq!(bytes(&map), bytes(&other));
}
