//! The functions that cases name, as Rust closures; see the README of the cases for their meaning.
//!
//! Each takes the type of what the function is applied to. `None`: the function is not known, or not for
//! that type.

use serde_json::Value;

use super::types::Type::{self, Int, List, Text};

/// Of `map` and `mapValues`: the closure, and the type of what it returns.
pub fn map(name: &str, of: &Type) -> Option<(String, Type)> {
    if let Some((operation, n)) = arithmetic(name) {
        return Some((format!("|x| x {operation} {n}"), of.clone()));
    }
    let (closure, returns) = match (name, of) {
        ("identity", of) => ("|x| x", of.clone()),
        ("to string", Int) => ("|x| x.to_string()", Text),
        ("parse int", Text) => ("|x| x.parse().expect(\"a number\")", Int),
        ("length", Text) => ("|x| length(&x)", Int),
        ("uppercase", Text) => ("|x| x.to_uppercase()", Text),
        ("pair with 1" | "[v,1]", of) => ("|x| (x, 1_i64)", Type::pair(of.clone(), Int)),
        ("pair with \"x\"", of) => ("|x| (x, \"x\".to_owned())", Type::pair(of.clone(), Text)),
        ("pair with length", Text) => ("|x| (x.clone(), length(&x))", Type::pair(Text, Int)),
        ("pair with self", of) => ("|x| (x.clone(), x)", Type::pair(of.clone(), of.clone())),
        ("x mod 10, pair with 1", Int) => ("|x| (x % 10, 1_i64)", Type::pair(Int, Int)),
        ("swap", Type::Pair(a, b)) => ("|(a, b)| (b, a)", Type::pair(*b.clone(), *a.clone())),
        ("first", Type::Pair(a, _)) => ("|(a, _)| a", *a.clone()),
        ("second", Type::Pair(_, b)) => ("|(_, b)| b", *b.clone()),
        ("sorted list", List(_)) => ("sorted", of.clone()),
        ("sort both lists", Type::Pair(a, b)) if is_list(a) && is_list(b) => {
            ("|(a, b)| (sorted(a), sorted(b))", of.clone())
        }
        ("list length", List(_)) => ("|x| x.len() as i64", Int),
        ("always fail", of) => ("|x| fail_if(true, \"This is a special error\", x)", of.clone()),
        ("fail when x == 1", Int) => ("|x| fail_if(x == 1, \"This is a special error\", x)", Int),
        _ => return None,
    };
    Some((closure.to_owned(), returns))
}

/// `x+4`, `v*2`: the operation and the literal.
fn arithmetic(name: &str) -> Option<(char, i64)> {
    let rest = name.strip_prefix(['x', 'v'])?;
    let operation = rest.chars().next().filter(|c| "+*".contains(*c))?;
    Some((operation, rest[1..].parse().ok()?))
}

fn is_list(of: &Type) -> bool {
    matches!(of, List(_))
}

/// Of `flatMap` and `flatMapValues`: the closure, and the type of the items of what it returns.
pub fn flat_map(name: &str, of: &Type) -> Option<(String, Type)> {
    let (closure, items) = match (name, of) {
        ("x and x*2", Int) => ("|x| [x, x * 2]", Int),
        ("v and v+10", Int) => ("|v| [v, v + 10]", Int),
        ("split on space", Text) => ("|x| x.split(' ').map(str::to_owned)", Text),
        ("characters", Text) => ("|x| characters(&x)", Text),
        ("pair length with each character", Text) => {
            ("|x| characters(&x).map(|c| (length(&x), c))", Type::pair(Int, Text))
        }
        ("pair value with each key character", Type::Pair(key, value)) if **key == Text => {
            ("|(k, v)| characters(&k).map(move |c| (v.clone(), c))", Type::pair(*value.clone(), Text))
        }
        ("v then \"1\", v then \"2\"", Text) => ("|v| [format!(\"{v}1\"), format!(\"{v}2\")]", Text),
        ("nothing", of) => ("|_| []", of.clone()),
        ("x repeated x times", Int) => ("|x| std::iter::repeat_n(x, x as usize)", Int),
        _ => return None,
    };
    Some((closure.to_owned(), items))
}

/// Of `filter`.
pub fn filter(name: &str, of: &Type) -> Option<&'static str> {
    Some(match (name, of) {
        ("even", Int) => "|x| x % 2 == 0",
        ("x > 2", Int) => "|&x| x > 2",
        ("contains \"a\"", Text) => "|x| x.contains('a')",
        ("key contains \"a\"", Type::Pair(key, _)) if **key == Text => "|(k, _)| k.contains('a')",
        ("value != 0", Type::Pair(_, value)) if **value == Int => "|&(_, v)| v != 0",
        ("value > 0", Type::Pair(_, value)) if **value == Int => "|&(_, v)| v > 0",
        ("value > 1", Type::Pair(_, value)) if **value == Int => "|&(_, v)| v > 1",
        ("none", _) => "|_| false",
        ("all", _) => "|_| true",
        _ => return None,
    })
}

/// Of everything that merges two values into one of their type.
pub fn reduce(name: &str, of: &Type) -> Option<&'static str> {
    Some(match (name, of) {
        ("sum", Int | Type::Float) => "|a, b| a + b",
        ("sub", Int | Type::Float) => "|a, b| a - b",
        ("product", Int | Type::Float) => "|a, b| a * b",
        ("max", Int | Text) => "|a, b| a.max(b)",
        ("min", Int | Text) => "|a, b| a.min(b)",
        ("sum pairwise", Type::Pair(a, b)) if **a == Int && **b == Int => "|(a, b), (c, d)| (a + c, b + d)",
        _ => return None,
    })
}

/// Of `combineByKey`: its three closures, and the type of a combiner.
pub fn combine(name: &str, of: &Type) -> Option<(&'static str, Type)> {
    Some(match (name, of) {
        ("sum", Int) => ("|v| v, |a, v| a + v, |a, b| a + b", Int),
        ("concatenate decimal strings", Int) => {
            ("|v| v.to_string(), |a, v| format!(\"{a}{v}\"), |a, b| a + &b", Text)
        }
        ("sum and count", Int) => (
            "|v| (v, 1_i64), |(sum, n), v| (sum + v, n + 1), |(a, n), (b, m)| (a + b, n + m)",
            Type::pair(Int, Int),
        ),
        _ => return None,
    })
}

/// Of `updateStateByKey`: what becomes of the state `s` by the values `vs` at `time`, and the state's type.
pub fn update(name: &str, value: &Type) -> Option<(&'static str, Type)> {
    Some(match (name, value) {
        ("running sum", Int) => ("Some(s.unwrap_or(0) + sum(vs))", Int),
        ("running sum, drop when no new values", Int) => {
            ("(!vs.is_empty()).then(|| s.unwrap_or(0) + sum(vs))", Int)
        }
        ("running sum, drop at 3 or more", Int) => {
            ("Some(s.unwrap_or(0) + sum(vs)).filter(|sum| *sum < 3)", Int)
        }
        ("running max", Int) => ("s.into_iter().chain(vs.iter().copied()).max()", Int),
        ("append values", _) => {
            ("Some([s.unwrap_or_default(), vs.to_vec()].concat())", Type::list(value.clone()))
        }
        ("last value, else keep", _) => ("vs.last().cloned().or(s)", value.clone()),
        ("number of batches seen", _) => ("{ let _ = vs; Some(1 + s.unwrap_or(0)) }", Int),
        ("add batch time when values present", _) => {
            ("Some(s.unwrap_or(0) + if vs.is_empty() { 0 } else { time.as_millis() as i64 })", Int)
        }
        ("count, drop after 2 idle batches", Int) => (
            "{ let (count, idle) = s.unwrap_or((0, 0)); \
             let s = if sum(vs) == 0 { (count, idle + 1) } else { (count + sum(vs), 0) }; (s.1 < 2).then_some(s) }",
            Type::pair(Int, Int),
        ),
        _ => return None,
    })
}

/// Of `mapPartitions`: the closure, and the type of the items of what it returns.
pub fn map_partitions(name: &str, of: &Type) -> Option<(&'static str, Type)> {
    Some(match (name, of) {
        ("sum of partition", Int) => ("|part| [part.into_iter().sum::<i64>()]", Int),
        ("uppercase and concatenate partition", Text) => ("|part| [part.concat().to_uppercase()]", Text),
        ("swap each", Type::Pair(a, b)) => {
            ("|part| part.into_iter().map(|(a, b)| (b, a))", Type::pair(*b.clone(), *a.clone()))
        }
        _ => return None,
    })
}

/// Of `mapWithState`: what is emitted for the value `v` of the key `k` with the state `s` at `time`, the type of
/// that, and the state's.
pub fn map_with_state(name: &str, key: &Type, value: &Type) -> Option<(String, Type, Type)> {
    let time_out = |out: &str| format!("if s.is_timing_out() {{ return {out}; }} ");
    let running = |out: &str| format!("let sum = add(s, v); {out}");
    let (body, emitted) = match (name, value) {
        ("running sum, emit sum", Int) => (running("let _ = k; Some(sum)"), Int),
        ("running sum, emit key twice", Int) if *key == Text => {
            (running("let _ = sum; Some(k.repeat(2))"), Text)
        }
        ("running sum, emit [key,sum]", Int) => {
            (running("Some((k.clone(), sum))"), Type::pair(key.clone(), Int))
        }
        ("running sum, emit nothing", Int) => (running("let _ = (k, sum); None::<i64>"), Int),
        ("running sum, emit [key,batch time]", Int) => {
            (running("let _ = sum; Some((k.clone(), time.as_millis() as i64))"), Type::pair(key.clone(), Int))
        }
        ("running sum, emit [key,sum], on timeout emit [key,[\"timeout\",sum]]", Int) => (
            time_out("Some((k.clone(), SumOrTimeout::timeout(s.get())))")
                + &running("Some((k.clone(), SumOrTimeout::Sum(sum)))"),
            Type::pair(key.clone(), Type::SumOrTimeout),
        ),
        ("set if absent else remove and emit key", Int) => (
            "if s.exists() { s.remove(); Some(k.clone()) } else { s.update(v.unwrap_or(0)); None }"
                .to_owned(),
            key.clone(),
        ),
        ("set 1, emit key on timeout", _) => {
            (time_out("Some(k.clone())") + "let _ = v; s.update(1); None", key.clone())
        }
        ("do not touch state, emit key", _) => ("let _ = (v, s); Some(k.clone())".to_owned(), key.clone()),
        ("set once, afterwards only read, emit [key,timing out?]", Int) => (
            "if !s.exists() { s.update(v.unwrap_or(0)); } Some((k.clone(), s.is_timing_out()))".to_owned(),
            Type::pair(key.clone(), Type::Bool),
        ),
        _ => return None,
    };
    Some((body, emitted, Int))
}

/// Of `transform`: the method call, and the type of its records. What an operator does batch by batch is left to it.
pub fn transform(name: &str, of: &Type, dataset: &Value) -> Option<(String, Type)> {
    let batch = |body: &str, returns| Some((format!("transform(|_, batch| {body})"), returns));
    let mapped = |function| {
        let (closure, returns) = map(function, of)?;
        batch(&format!("batch.into_iter().map({closure})"), returns)
    };
    // A join with the case's dataset: the values' types follow from the data.
    let joined = |function, value: fn(Type) -> Type| {
        let (key, left) = of.sides()?;
        let record = Type::of_all(dataset.as_array()?);
        let returns = Type::pair(key.clone(), Type::pair(left.clone(), value(record.sides()?.1.clone())));
        let text = dataset.to_string();
        batch(&format!("{function}(batch, dataset::<{}>({text:?}))", record.rust()), returns)
    };
    match (name, of) {
        ("map to string", _) => mapped("to string"),
        ("map x+2", _) => mapped("x+2"),
        ("map first", _) => mapped("first"),
        ("always fail", _) => batch("fail_if(true, \"error in transform\", batch)", of.clone()),
        ("distinct", _) => Some(("distinct()".to_owned(), of.clone())),
        ("sort by key", Type::Pair(..)) => {
            batch("{ let mut batch = batch; batch.sort_by_key(|x| x.0.clone()); batch }", of.clone())
        }
        ("sort ascending", _) => batch("sorted(batch)", of.clone()),
        ("three largest, descending", _) => batch("sorted(batch).into_iter().rev().take(3)", of.clone()),
        ("cartesian with self", _) => {
            let pairs = "batch.clone().into_iter().flat_map(move |a| batch.clone().into_iter().map(move |b| (a.clone(), b)))";
            batch(pairs, Type::pair(of.clone(), of.clone()))
        }
        ("pair with batch time", _) => Some((
            "transform(|time, batch| batch.into_iter().map(move |x| (x, time.as_millis() as i64)))"
                .to_owned(),
            Type::pair(of.clone(), Int),
        )),
        ("join with dataset 0", _) => joined("joined", |value| value),
        ("left outer join with dataset 0", _) => joined("left_joined", Type::option),
        ("remove keys present in dataset 0", Type::Pair(..)) => {
            let record = Type::of_all(dataset.as_array()?).rust();
            let present = format!("dataset::<{record}>({:?})", dataset.to_string());
            let body = format!(
                "{{ let present = {present}; \
                batch.into_iter().filter(move |x| present.iter().all(|y| y.0 != x.0)) }}"
            );
            batch(&body, of.clone())
        }
        _ => None,
    }
}

/// Of `transformWith`: the closure, and the type of the items of what it returns.
pub fn transform_with(name: &str, left: &Type, right: &Type) -> Option<(&'static str, Type)> {
    Some(match name {
        "join" => {
            let ((key, v), (_, w)) = (left.sides()?, right.sides()?);
            ("|_, a, b| joined(a, b)", Type::pair(key.clone(), Type::pair(v.clone(), w.clone())))
        }
        "union" => ("|_, a, b| a.into_iter().chain(b)", left.clone()),
        "subtract" => ("|_, a, b| a.into_iter().filter(move |x| !b.contains(x))", left.clone()),
        "intersection" => (
            "|_, a, b| {
                let mut both = sorted(a);
                both.dedup();
                both.retain(|x| b.contains(x));
                both
            }",
            left.clone(),
        ),
        "always fail" => ("|_, a, _| fail_if(true, \"This is a special error\", a)", left.clone()),
        _ => return None,
    })
}
