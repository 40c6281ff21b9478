mod refused;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    marker::PhantomData,
    net::{IpAddr, SocketAddr},
    num::{NonZeroI8, NonZeroU32},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use self::refused::Day;
use super::*;

/// What is written of a type.
fn of<T: Serialize + DeserializeOwned>() -> String {
    super::of::<T>().text
}

#[derive(Serialize, Deserialize)]
struct Click {
    user: u64,
    price: f64,
}

#[derive(Serialize, Deserialize)]
struct Meters(f64);

#[derive(Serialize, Deserialize)]
struct Unit;

#[derive(Serialize, Deserialize)]
struct Generic<T> {
    of: T,
}

#[derive(Serialize, Deserialize)]
enum Event {
    Start,
    Click(Click),
    At(i32, String),
    Nested { inner: Inner, other: Option<Inner> },
}

#[derive(Serialize, Deserialize)]
enum Inner {
    A,
    B(Vec<bool>),
}

#[test]
fn what_serde_has() {
    assert_eq!(of::<(String, i64)>(), "(String, i64)");
    assert_eq!(of::<()>(), "()");
    assert_eq!(of::<(u8,)>(), "(u8,)");
    assert_eq!(of::<(bool, i8, i16, i32, i128)>(), "(bool, i8, i16, i32, i128)");
    assert_eq!(of::<(u8, u16, u32, u64, u128, usize)>(), "(u8, u16, u32, u64, u128, u64)");
    assert_eq!(of::<(f32, f64, char, Box<str>)>(), "(f32, f64, char, String)");
    assert_eq!(of::<Option<Vec<Option<u8>>>>(), "Option<Vec<Option<u8>>>");
    assert_eq!(of::<HashMap<String, Vec<u8>>>(), "Map<String, Vec<u8>>");
    assert_eq!(of::<BTreeMap<(u8, char), BTreeMap<u8, ()>>>(), "Map<(u8, char), Map<u8, ()>>");
    assert_eq!(of::<(HashSet<u8>, BTreeSet<String>)>(), "(Vec<u8>, Vec<String>)");
    assert_eq!(of::<([u8; 32], [(); 0], [i8; 2])>(), "([u8; 32], (), (i8, i8))");
    assert_eq!(of::<Result<u8, String>>(), "enum { Ok(u8), Err(String) }");
    assert_eq!(of::<(PhantomData<Click>, Box<u8>)>(), "((), u8)");
}

#[test]
fn structs_and_enums() {
    assert_eq!(of::<Click>(), "{ user: u64, price: f64 }");
    assert_eq!(of::<(Meters, Unit)>(), "(f64, ())");
    assert_eq!(
        of::<(Generic<u8>, Generic<String>, Generic<Generic<u8>>)>(),
        "({ of: u8 }, { of: String }, { of: { of: u8 } })"
    );
    let inner = "enum { A, B(Vec<bool>) }";
    assert_eq!(
        of::<Event>(),
        format!(
            "enum {{ Start, Click({{ user: u64, price: f64 }}), At(i32, String), \
             Nested {{ inner: {inner}, other: Option<{inner}> }} }}"
        )
    );
}

#[test]
fn types_of_the_standard_library() {
    assert_eq!(of::<(NonZeroU32, NonZeroI8)>(), "(u32, i8)");
    assert_eq!(of::<IpAddr>(), "enum { V4([u8; 4]), V6([u8; 16]) }");
    assert_eq!(of::<SocketAddr>(), "enum { V4(([u8; 4], u16)), V6(([u8; 16], u16)) }");
    assert_eq!(of::<Duration>(), "{ secs: u64, nanos: u32 }");
    assert_eq!(of::<SystemTime>(), "{ secs_since_epoch: u64, nanos_since_epoch: u32 }");
    assert_eq!(of::<std::ops::Range<u8>>(), "{ start: u8, end: u8 }");
    assert_eq!(of::<std::cmp::Reverse<u8>>(), "u8");
}

#[derive(Serialize, Deserialize)]
struct List {
    value: i64,
    next: Option<Box<List>>,
}

#[derive(Serialize, Deserialize)]
struct Tree {
    children: Vec<Tree>,
    named: BTreeMap<String, Tree>,
}

#[derive(Serialize, Deserialize)]
enum Expr {
    Neg(Box<Expr>),
    Sum(Box<Expr>, Box<Expr>),
    All(Vec<Expr>),
    Of { term: Term },
    Lit(i64),
}

#[derive(Serialize, Deserialize)]
enum Term {
    Both(Box<Expr>, Box<Term>),
    Group(Box<Expr>),
    Name(String),
}

#[test]
fn types_that_hold_themselves() {
    assert_eq!(of::<List>(), "'a { value: i64, next: Option<'a> }");
    assert_eq!(of::<Tree>(), "'a { children: Vec<'a>, named: Map<String, 'a> }");
    let term = "'b enum { Both('a, 'b), Group('a), Name(String) }";
    let expr = format!("'a enum {{ Neg('a), Sum('a, 'a), All(Vec<'a>), Of {{ term: {term} }}, Lit(i64) }}");
    assert_eq!(of::<Expr>(), expr);
    assert_eq!(
        of::<Term>(),
        "'a enum { Both('b enum { Neg('b), Sum('b, 'b), All(Vec<'b>), Of { term: 'a }, Lit(i64) }, 'a), \
         Group('b enum { Neg('b), Sum('b, 'b), All(Vec<'b>), Of { term: 'a }, Lit(i64) }), Name(String) }"
            .replacen("Group('b ", "Group('c ", 1)
            .replace(
                "Group('c enum { Neg('b), Sum('b, 'b), All(Vec<'b>)",
                "Group('c enum { Neg('c), Sum('c, 'c), All(Vec<'c>)"
            )
    );
}

/// A way to an end that takes detours, with what refuses values on it.
#[derive(Serialize, Deserialize)]
enum E {
    A(Box<F>),
    Q(Box<E>, Box<E>, Day),
}
#[derive(Serialize, Deserialize)]
enum F {
    X(Box<E>, u64),
    Y(Box<G>, NonZeroU32),
}
#[derive(Serialize, Deserialize)]
enum G {
    P(Box<F>, Box<E>, u8),
    Z(Day),
}

#[test]
fn ends_that_are_far_away() {
    assert_eq!(
        of::<Vec<E>>(),
        "Vec<'a enum { A('b enum { X('a, u64), Y(enum { P('b, 'a, u8), Z(String) }, u32) }), Q('a, 'a, String) }>"
    );
}

macro_rules! doubled {
    ($($name:ident of $of:ty),*) => { $(
        #[derive(Serialize, Deserialize)]
        #[serde(bound = "")]
        struct $name { one: Option<Box<$of>>, other: Option<Box<$of>> }
    )* };
}
doubled!(D0 of u8, D1 of D0, D2 of D1, D3 of D2, D4 of D3, D5 of D4, D6 of D5, D7 of D6, D8 of D7, D9 of D8);
doubled!(E0 of u16, E1 of E0, E2 of E1, E3 of E2, E4 of E3, E5 of E4, E6 of E5, E7 of E6, E8 of E7, E9 of E8);

#[test]
fn long_lines_are_cut_and_told_apart() {
    let (one, other) = (of::<D9>(), of::<E9>());
    assert!(one.len() < 4200 && one.contains(".. #"), "{} bytes", one.len());
    assert_ne!(one[one.len() - 16..], other[other.len() - 16..]);
    assert_eq!(one, of::<D9>());
}

mod one {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Visit {
        page: u8,
        at: Option<super::Inner>,
    }
}

mod other {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct PageVisit {
        page: u8,
        at: Option<Inside>,
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    enum Inside {
        A,
        B(Vec<bool>),
    }
}

#[test]
fn names_and_places_of_types_do_not_matter() {
    assert_eq!(of::<one::Visit>(), of::<other::PageVisit>());
    assert_eq!(without_paths("(a::b::C<d::E, [f::G; 3]>, alloc::string::String)"), "(C<E, [G; 3]>, String)");
    assert_eq!(without_paths("a::f::{{closure}}::T"), "T");
}

#[test]
fn a_swap_of_fields_is_seen() {
    #[derive(Serialize, Deserialize)]
    struct Swapped {
        price: f64,
        user: u64,
    }
    #[derive(Serialize, Deserialize)]
    struct At {
        x: u8,
        y: u8,
    }
    let at = of::<At>();
    assert_ne!(of::<Swapped>(), of::<Click>());
    {
        #[derive(Serialize, Deserialize)]
        struct At {
            y: u8,
            x: u8,
        }
        assert_ne!(of::<At>(), at, "of one name");
    }
}

/// An enum of many variants that hold it, and its only end behind them.
macro_rules! ends_last {
    ($name:ident $($variant:ident)*) => {
        #[derive(Serialize, Deserialize)]
        enum $name { $($variant(Box<$name>, u8),)* End(NonZeroU32) }
    };
}
ends_last!(
    Deep V0 V1 V2 V3 V4 V5 V6 V7 V8 V9 V10 V11 V12 V13 V14 V15 V16 V17 V18 V19 V20 V21 V22 V23 V24 V25 V26
    V27 V28 V29 V30 V31 V32 V33 V34 V35 V36 V37 V38 V39 V40 V41 V42 V43 V44 V45 V46 V47 V48 V49 V50 V51
    V52 V53 V54 V55 V56 V57 V58 V59 V60 V61 V62 V63 V64 V65 V66 V67 V68 V69 V70 V71 V72 V73 V74 V75 V76
    V77 V78 V79 V80 V81 V82 V83 V84 V85 V86 V87 V88 V89 V90 V91 V92 V93 V94 V95 V96 V97 V98 V99 V100
    V101 V102 V103 V104 V105 V106 V107 V108 V109
);

#[test]
fn an_end_behind_more_variants_than_a_value_may_be_deep() {
    let text = of::<Deep>();
    assert!(text.starts_with("'a enum { V0('a, u8), V1('a, u8)"), "{text}");
    assert!(text.ends_with("V109('a, u8), End(u32) }"), "{text}");
}
