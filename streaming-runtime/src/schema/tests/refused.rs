//! Types that refuse what was made up, and those that cannot be looked through.

use std::rc::Rc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Click, Generic, of};

/// Serialization is not looked at.
macro_rules! reads_only {
    ($($name:ident),*) => {
        $(impl Serialize for $name {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                unimplemented!("these are only traced")
            }
        })*
    };
}

/// As chrono and the like do it: a string that is parsed.
pub(super) struct Day(u32);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
        match digits[..] {
            [year, month, day] => Ok(Day(year * 372 + month * 31 + day)),
            _ => Err(de::Error::custom(format!("{text:?} is no day"))),
        }
    }
}

/// Sixteen bytes, as a UUID.
struct Sixteen;

impl<'de> Deserialize<'de> for Sixteen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Sixteen;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Sixteen, E> {
                if bytes.len() == 16 { Ok(Sixteen) } else { Err(E::invalid_length(bytes.len(), &self)) }
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

/// Never content.
struct Proof(u32);

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u32::deserialize(from)? {
            4_294_967_291 => Ok(Proof(0)),
            _ => Err(de::Error::custom("no prime")),
        }
    }
}

/// Goes too far.
struct Panics;

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        panic!("{}", u8::deserialize(from)?)
    }
}

reads_only!(
    Day, Sixteen, Proof, Panics, Odd, Skips, Untagged, Internally, Flat, Endless, Wide, Recurse, Spaced
);

#[test]
fn types_that_refuse_values() {
    assert_eq!(of::<Day>(), "String");
    assert_eq!(of::<(Day, Vec<(Day, u8)>, Day)>(), "(String, Vec<(String, u8)>, String)");
    assert_eq!(of::<(Sixteen, u8)>(), "(bytes, u8)");
    let _ = (Day(0).0, Proof(0).0);
}

#[test]
fn what_cannot_be_looked_through_is_opaque() {
    assert_eq!(of::<Proof>(), "u32", "its form is known, if not its values");
    assert_eq!(of::<(u8, Proof, u16)>(), "(u8, u32, ?) opaque (u8, Proof, u16)");
    assert_eq!(of::<(Vec<Proof>, u16)>(), "(Vec<u32>, u16)", "an empty one will do");
    assert_eq!(
        of::<Result<(Proof, u8), Generic<(Proof, u8)>>>(),
        "enum { Ok((u32, ?)), Err({ of: (u32, ?) }) } opaque \
         Result<(Proof, u8), Generic<(Proof, u8)>>"
    );
    assert_eq!(of::<(Panics, u8)>(), "(?, ?) opaque (Panics, u8)");
}

#[derive(Deserialize)]
#[serde(try_from = "u8")]
struct Odd;

impl TryFrom<u8> for Odd {
    type Error = &'static str;
    fn try_from(n: u8) -> Result<Self, &'static str> {
        if n % 2 == 1 { Ok(Odd) } else { Err("even") }
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Skips {
    odd: Odd,
    #[serde(skip)]
    left: Option<Rc<u8>>,
    #[serde(default)]
    kept: i8,
    #[serde(rename = "type")]
    kind: char,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Spaced {
    #[serde(rename = "stood by of\n")]
    a: u8,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[allow(dead_code)]
enum Untagged {
    A(Vec<u8>),
    B { x: Vec<u8> },
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
#[allow(dead_code)]
enum Internally {
    A { n: u8 },
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Flat {
    #[serde(flatten)]
    click: Click,
}

#[test]
fn attributes_of_serde() {
    assert_eq!(of::<Skips>(), "{ odd: u8, kept: i8, type: char }");
    assert_eq!(of::<Spaced>(), r#"{ "stood by of\n": u8 }"#);
    // Formats that are not self-describing cannot read these at all.
    assert_eq!(of::<Untagged>(), "any");
    for text in [of::<Internally>(), of::<Flat>()] {
        assert!(text.contains("any") || text.contains('?'), "{text}");
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Endless {
    more: Box<Endless>,
    n: u8,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Recurse {
    Only(Box<Recurse>, u8),
}

type Cube<T> = [[[T; 32]; 32]; 32];

#[derive(Deserialize)]
#[allow(dead_code)]
struct Wide {
    cubes: [Cube<u8>; 32],
}

#[test]
fn it_ends() {
    assert_eq!(of::<Endless>(), "'a { more: 'a, n: ? } opaque Endless");
    assert_eq!(of::<Recurse>(), "'a enum { Only('a, ?) } opaque Recurse");
    assert!(of::<Wide>().ends_with("opaque Wide"), "{}", of::<Wide>());
    assert_eq!(of::<[[u8; 32]; 32]>(), "[[u8; 32]; 32]");
}
