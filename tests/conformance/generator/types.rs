//! The record types of a program, inferred from its data.

use serde_json::Value;

/// The type of a record or of a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// Of a value that no data shows.
    Unknown,
    Int,
    Float,
    Text,
    Bool,
    /// Spark's Python cases put both into one stream; see the suite's enum of this name.
    IntOrText,
    /// A sum, or the last one of a key that timed out; see the suite's enum of this name.
    SumOrTimeout,
    Pair(Box<Type>, Box<Type>),
    List(Box<Type>),
    Option(Box<Type>),
}
use Type::{Bool, Float, Int, IntOrText, List, Option as Maybe, Pair, SumOrTimeout, Text, Unknown};

impl Type {
    pub fn pair(first: Type, second: Type) -> Type {
        Pair(first.into(), second.into())
    }

    pub fn option(of: Type) -> Type {
        Maybe(of.into())
    }

    pub fn list(of: Type) -> Type {
        List(of.into())
    }

    /// The two sides of a pair.
    pub fn sides(&self) -> Option<(&Type, &Type)> {
        match self {
            Pair(first, second) => Some((first, second)),
            _ => None,
        }
    }

    /// The type that holds all of `values`.
    pub fn of_all<'a>(values: impl IntoIterator<Item = &'a Value>) -> Type {
        values.into_iter().map(Type::of).fold(Unknown, Type::merge)
    }

    fn of(value: &Value) -> Type {
        match value {
            Value::Null => Maybe(Unknown.into()),
            Value::Bool(_) => Bool,
            Value::Number(number) if number.is_i64() => Int,
            Value::Number(_) => Float,
            Value::String(_) => Text,
            Value::Array(items) => match &items[..] {
                [first, second] => Type::pair(Type::of(first), Type::of(second)),
                items => Type::list(Type::of_all(items)),
            },
            Value::Object(_) => panic!("no record is an object: {value}"),
        }
    }

    fn merge(self, other: Type) -> Type {
        match (self, other) {
            (one, other) if one == other => one,
            (Unknown, known) | (known, Unknown) => known,
            (Maybe(one), Maybe(other)) => Maybe(one.merge(*other).into()),
            (Maybe(one), other) | (other, Maybe(one)) => Maybe(one.merge(other).into()),
            (Int, Float) | (Float, Int) => Float,
            (Int | Text | IntOrText, Int | Text | IntOrText) => IntOrText,
            (Pair(a, b), Pair(c, d)) => Type::pair(a.merge(*c), b.merge(*d)),
            (List(one), List(other)) => Type::list(one.merge(*other)),
            // A list that happens to have two items looks like a pair.
            (List(one), Pair(a, b)) | (Pair(a, b), List(one)) => Type::list(one.merge(*a).merge(*b)),
            (one, other) => panic!("no record type holds both {one:?} and {other:?}"),
        }
    }

    /// The type as Rust writes it.
    pub fn rust(&self) -> String {
        match self {
            // Nothing is known of it, so nothing is done with it.
            Unknown | Int => "i64".to_owned(),
            Float => "f64".to_owned(),
            Text => "String".to_owned(),
            Bool => "bool".to_owned(),
            IntOrText => "IntOrText".to_owned(),
            SumOrTimeout => "SumOrTimeout".to_owned(),
            Pair(first, second) => format!("({}, {})", first.rust(), second.rust()),
            List(of) => format!("Vec<{}>", of.rust()),
            Maybe(of) => format!("Option<{}>", of.rust()),
        }
    }

    /// A value of this type as Rust writes it.
    pub fn literal(&self, value: &Value) -> String {
        let items = || value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
        match self {
            Text => format!("{value}.to_owned()"),
            Pair(first, second) => {
                format!("({}, {})", first.literal(&items()[0]), second.literal(&items()[1]))
            }
            List(of) => {
                let items: Vec<_> = items().iter().map(|item| of.literal(item)).collect();
                format!("vec![{}]", items.join(", "))
            }
            Int | Float | Bool => value.to_string(),
            other => panic!("no literal of {other:?} is needed"),
        }
    }
}
