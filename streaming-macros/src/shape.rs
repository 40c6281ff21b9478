//! How operators with several arguments, or closures of several parameters, are called.
//!
//! rustc says of a closure in the wrong place only that it cannot infer its types. What is written out can be counted.

use syn::{Expr, ExprMethodCall, Lit};

/// Operators, and a call of each: its arguments are as many, and its closure has as many parameters. A `..` stands
/// for any argument.
const CALLS: &[(&str, &str)] = &[
    ("update_state", "|key, state, values| .."),
    ("update_state_with", "initial, |time, key, state, values| .."),
    ("map_with_state", "idle_for(minutes(30)), |key, value, state| .."),
    ("map_with_state_from", "idle_for(minutes(30)), initial, |time, key, value, state| .."),
    ("transform", "|time, records| .."),
    ("transform_with", "other, |time, records, others| .."),
    ("map_partitions", "4, |records| .."),
    ("iterate", "|stream| .."),
    ("iterate_at_most", "100, |stream| .."),
    ("iterate_within", "100, secs(5), |stream| .."),
];

/// How the operator `name` is called, if this call is none: a closure stands in the wrong place, or has more or fewer
/// parameters. A call without a closure is let be: a function may stand there, or be about to.
pub fn unlike(name: &str, call: &ExprMethodCall) -> Option<String> {
    if matches!(name, "skip" | "fail") {
        return (!call.args.is_empty()).then(|| format!("{name}()"));
    }
    let (_, right) = CALLS.iter().find(|(known, _)| *known == name)?;
    let (before, rest) = right.split_once('|').expect("each call has a closure");
    let (parameters, _) = rest.split_once('|').expect("its parameters end");
    let (place, parameters) = (before.matches(',').count(), parameters.split(',').count());
    let is_right = |(at, argument): (usize, &Expr)| match argument {
        Expr::Closure(closure) => at == place && closure.inputs.len() == parameters,
        _ => true,
    };
    let has_closure = call.args.iter().any(|argument| matches!(argument, Expr::Closure(_)));
    let fits = call.args.len() == place + 1 && call.args.iter().enumerate().all(is_right);
    (has_closure && !fits).then(|| format!("{name}({right})"))
}

/// What a 0 means as the first argument of the operator `name`, if it can only be a mistake.
pub fn of_nothing(name: &str, call: &ExprMethodCall) -> Option<(Expr, &'static str)> {
    let meaning = match name {
        "glom" | "map_partitions" => "a batch cannot be cut into no parts",
        "repartition" => "records cannot be spread over no workers",
        "iterate_at_most" | "iterate_within" => "a loop makes nothing in no rounds",
        _ => return None,
    };
    let argument = call.args.first()?;
    let Expr::Lit(literal) = argument else { return None };
    let Lit::Int(number) = &literal.lit else { return None };
    number.base10_parse::<u64>().is_ok_and(|number| number == 0).then(|| (argument.clone(), meaning))
}

/// Operators that make two streams, and names for the two.
pub fn makes_two(name: &str) -> Option<&'static str> {
    match name {
        "split" => Some("(some, others)"),
        "try_map" => Some("(made, failed)"),
        "map_with_state" | "map_with_state_from" => Some("(made, states)"),
        _ => None,
    }
}

/// Operators whose second stream is what failed: where it goes must be said.
pub fn can_fail(name: &str) -> bool {
    name == "try_map"
}
