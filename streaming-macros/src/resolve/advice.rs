//! What is meant by a call that no operator has, by the kind of arguments: the words behind `write`.

use syn::Expr;

use super::call_shape::{Place, places, starts_with_a_hole, written};
use crate::{
    durations::is_length,
    operators::{Algebra, Exchange, Holds, Kind, Makes, Operator},
    tokens::text,
};

/// How a call is meant that is none, if that can be told.
pub fn advice(operator: &Operator, args: &[&Expr]) -> Option<String> {
    let name = operator.name;
    let given = Given::of(args);
    if let Some(hole) = args.iter().find(|argument| starts_with_a_hole(argument)) {
        let body = text_with(hole, "word");
        return Some(format!(
            "`.{name}(|word| {body})`, with a name of your own for the record: a closure says what its parameter is called"
        ));
    }
    match operator.makes {
        Makes::Join => return joined(name, &given),
        Makes::Window => return Some(window(args)),
        _ => {}
    }
    match name {
        "union" => Some(format!("{}: one at a time", chain(name, args)?)),
        "iterate" | "iterate_at_most" | "iterate_within" => repeated(name, &given),
        "update_state" if args.len() == 2 => {
            Some("`.update_state_with(initial, |time, key, state, values| ..)`, where the first states are given apart".to_owned())
        }
        "update_state_with" if args.len() == 1 => {
            Some("`.update_state(|key, state, values| ..)`, which begins with no state".to_owned())
        }
        "map_with_state" if args.len() == 3 => {
            Some("`.map_with_state_from(idle_for(minutes(30)), initial, |time, key, value, state| ..)`".to_owned())
        }
        "aggregate" | "aggregate_by_key" => Some(aggregate(operator, &given)),
        "top_k" if !given.closures.is_empty() => Some(
            "`.top_k(10)`: records are compared whole, so put what counts first, `.map(|record| (part, record))`".to_owned(),
        ),
        "history" => Some("`.history()` for all that ever came, `.window(secs(30), secs(10))` for what came of late".to_owned()),
        "map" if given.closures.len() == 1 && args.len() > 1 => {
            let Expr::Closure(closure) = given.closures[0] else { return None };
            let parts: Vec<String> = [&*closure.body].into_iter().chain(given.others.iter().copied()).map(written).collect();
            let inputs: Vec<String> = closure.inputs.iter().map(text).collect();
            Some(format!("`.map(|{}| ({}))`: several values are one record as a tuple", inputs.join(", "), parts.join(", ")))
        }
        "count" if !given.others.is_empty() => Some(
            "`.count()` for how many there are, `.count_by_value()` for how many of each, `.count_by_key()` of each key".to_owned(),
        ),
        "key_by" if args.len() == 2 => {
            Some("`.map(|record| (key, value))`: `key_by` takes the key's closure alone, and keeps the record as the value".to_owned())
        }
        _ => without_what_is_extra(operator, args, &given),
    }
}

/// The arguments of a call by their kinds.
struct Given<'a> {
    closures: Vec<&'a Expr>,
    lengths: Vec<&'a Expr>,
    others: Vec<&'a Expr>,
}

impl<'a> Given<'a> {
    fn of(args: &[&'a Expr]) -> Self {
        let is_closure = |argument: &&Expr| matches!(argument, Expr::Closure(_));
        let (closures, rest): (Vec<&Expr>, Vec<&Expr>) = args.iter().copied().partition(is_closure);
        let (lengths, others) = rest.into_iter().partition(|argument| is_length(argument));
        Given { closures, lengths, others }
    }
}

/// `.union(b).union(c)` for `.union(b, c)`.
fn chain(name: &str, args: &[&Expr]) -> Option<String> {
    let calls: Vec<String> = args.iter().map(|argument| format!(".{name}({})", written(argument))).collect();
    (args.len() > 1).then(|| format!("`{}`", calls.concat()))
}

fn joined(name: &str, given: &Given<'_>) -> Option<String> {
    let other = given.others.first().map_or("other".to_owned(), |other| written(other));
    let is_name = |argument: &&Expr| matches!(argument, Expr::Path(_) | Expr::MethodCall(_) | Expr::Call(_));
    if !given.closures.is_empty() || !given.others.iter().skip(1).all(is_name) {
        return Some(format!(
            "`.{name}({other})`: both sides are pairs, and the key is what `.key_by(|record| ..)` or `.map(|record| (key, value))` before it made; which pairs stay says a `.filter(|(key, (mine, other))| ..)` behind it"
        ));
    }
    if !given.lengths.is_empty() {
        return Some(format!(
            "`a.window(secs(30), secs(10)).{name}({other}.window(secs(30), secs(10)))`: how far apart two records may be is said by windows"
        ));
    }
    chain(name, &given.others).map(|chain| format!("{chain}: one at a time"))
}

fn window(args: &[&Expr]) -> String {
    let rest: Vec<&&Expr> = args.iter().filter(|argument| !matches!(argument, Expr::Closure(_))).collect();
    let of_operator = rest.len() < args.len();
    let (size, slide) = match rest.as_slice() {
        [Expr::Tuple(pair)] if pair.elems.len() == 2 => (written(&pair.elems[0]), written(&pair.elems[1])),
        [size] if is_length(size) => (written(size), written(size)),
        [size, slide] => (written(size), written(slide)),
        _ => ("secs(30)".to_owned(), "secs(10)".to_owned()),
    };
    let call = format!("`.window({size}, {slide})`: how long it is, and how often it slides");
    match of_operator {
        true => format!("{call}; what is made of it is the next operator, such as `.reduce(|a, b| ..)`"),
        false => call,
    }
}

fn repeated(name: &str, given: &Given<'_>) -> Option<String> {
    let closure = given.closures.first().copied();
    let one =
        closure.is_some_and(|closure| matches!(closure, Expr::Closure(closure) if closure.inputs.len() == 1));
    match (name, given.others.as_slice(), given.lengths.len()) {
        _ if !one => None,
        ("iterate", [rounds], 0) => Some(format!(
            "`.iterate_at_most({}, |stream| ..)`: `iterate` goes on until nothing changes",
            written(rounds)
        )),
        ("iterate" | "iterate_at_most", [rounds], 1) => Some(format!(
            "`.iterate_within({}, {}, |stream| ..)`, which also ends after a time",
            written(rounds),
            written(given.lengths[0])
        )),
        ("iterate_at_most", [], 0) => {
            Some("`.iterate(|stream| ..)` to go on until nothing changes, `.iterate_at_most(100, |stream| ..)` for so many rounds".to_owned())
        }
        _ => None,
    }
}

/// What an aggregate is called with: one that has a name, or several as a tuple.
fn aggregate(operator: &Operator, given: &Given<'_>) -> String {
    let name = operator.name;
    let reduce = if operator.exchange == Exchange::ByKey { "reduce_by_key" } else { "reduce" };
    if !given.closures.is_empty() {
        return format!(
            "`.{name}(sum())` with an aggregate that has a name, `sum().of(|value| ..)` for a part of each value; a closure stands in `.{reduce}(|a, b| ..)`; what begins with a value is a type of your own with `impl Aggregate`"
        );
    }
    match given.others.len() {
        0 | 1 => format!("`.{name}(sum())`, or several at once as a tuple, `.{name}((sum(), count()))`"),
        _ => {
            let parts: Vec<String> = given.others.iter().map(|part| written(part)).collect();
            format!("`.{name}(({}))`: several are a tuple", parts.join(", "))
        }
    }
}

/// A call that has its function, and more.
fn without_what_is_extra(operator: &Operator, args: &[&Expr], given: &Given<'_>) -> Option<String> {
    let name = operator.name;
    let expected = places(operator.call);
    let closure = given.closures.first().copied();
    if expected.is_empty() {
        return closure
            .and_then(|closure| of_a_part(operator, closure))
            .or_else(|| windowed(operator, given));
    }
    if let Some(windowed) = windowed(operator, given) {
        return Some(windowed);
    }
    let [Place::Function(parameters)] = expected[..] else { return None };
    let fits =
        |closure: &&Expr| matches!(closure, Expr::Closure(closure) if closure.inputs.len() == parameters);
    let is_reduction = operator.holds == Holds::Values(Algebra::Associative);
    if args.len() == 2 && is_reduction && given.closures.len() == 2 {
        let both: Vec<String> = given.closures.iter().map(|closure| written(closure)).collect();
        return Some(format!(
            "`.{name}_with_inverse({})`, behind a `.window(..)`: the second takes back what leaves",
            both.join(", ")
        ));
    }
    if args.len() > 1 && given.closures.len() == args.len() && given.closures.iter().all(&fits) {
        return chain(name, args);
    }
    if let (1, 1, Some(Expr::Closure(closure))) = (args.len(), parameters, closure)
        && closure.inputs.len() > 1
    {
        let inputs: Vec<String> = closure.inputs.iter().map(text).collect();
        let mark = if operator.shown.starts_with('&') { "&" } else { "" };
        return Some(format!("`.{name}(|{mark}({})| ..)`: a pair is one parameter", inputs.join(", ")));
    }
    match given.closures.iter().copied().find(fits) {
        Some(closure) if is_reduction && args.len() > 1 => Some(format!(
            "`.{name}({})`: it begins with the first value, and takes no other",
            written(closure)
        )),
        Some(closure) => Some(format!("`.{name}({})`", written(closure))),
        None if is_reduction && args.len() == 1 => Some(format!(
            "`.{name}(|a, b| ..)`: it merges two values into one, and sees {}",
            if operator.exchange == Exchange::ByKey { "no key" } else { "nothing else" }
        )),
        None => None,
    }
}

/// An operator that takes nothing and was given a function: of which part of a record it is, is said before it.
fn of_a_part(operator: &Operator, closure: &Expr) -> Option<String> {
    let (name, closure) = (operator.name, written(closure));
    Some(match (name, operator.kind) {
        ("count", _) => format!("`.filter({closure}).count()`"),
        ("count_by_value", _) => format!("`.map({closure}).count_by_value()`"),
        ("distinct", _) => {
            format!(
                "`.distinct()`, or `.key_by({closure}).reduce_by_key(|first, _| first)` for one record a key"
            )
        }
        ("skip" | "fail", _) => return None,
        (_, Kind::Keyed) => format!("`.key_by({closure}).{name}()`: the key is said before"),
        _ => return None,
    })
}

/// An operator that was given a length of time: the window comes first.
fn windowed(operator: &Operator, given: &Given<'_>) -> Option<String> {
    if given.lengths.is_empty() || operator.makes != Makes::Aggregate {
        return None;
    }
    let of = |at: usize| given.lengths.get(at).or(given.lengths.last()).map(|length| written(length));
    let (size, slide) = (of(0)?, of(1)?);
    let rest: Vec<String> = given.closures.iter().chain(&given.others).map(|rest| written(rest)).collect();
    let name = operator.name;
    Some(format!("`.window({size}, {slide}).{name}({})`: the window comes first", rest.join(", ")))
}

/// The text of an expression in which `name` stands for each `_`.
fn text_with(expr: &Expr, name: &str) -> String {
    let text = written(expr);
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '_' if !is_name(out.chars().last()) && !is_name(rest.peek().copied()) => out += name,
            c => out.push(c),
        }
    }
    out
}
