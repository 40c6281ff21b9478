//! How operators with several arguments, or closures of several parameters, are called.
//!
//! rustc says of a closure in the wrong place only that it cannot infer its types. What is written out can be counted.

use syn::{Expr, ExprMethodCall, Lit};

use crate::operators::Operator;

/// How an operator is called, if this call is none: a closure stands in the wrong place, or has more or fewer parameters. A
/// call without a closure is let be: a function may stand there, or be about to.
pub fn unlike(operator: &Operator, call: &ExprMethodCall) -> Option<String> {
    let (name, right) = (operator.name, operator.call?);
    let form = format!("{name}({right})");
    let Some((before, rest)) = right.split_once('|') else {
        return (!call.args.is_empty()).then_some(form);
    };
    let (parameters, _) = rest.split_once('|').expect("its parameters end");
    let (place, parameters) = (before.matches(',').count(), parameters.split(',').count());
    let is_right = |(at, argument): (usize, &Expr)| match argument {
        Expr::Closure(closure) => at == place && closure.inputs.len() == parameters,
        _ => true,
    };
    let has_closure = call.args.iter().any(|argument| matches!(argument, Expr::Closure(_)));
    let fits = call.args.len() == place + 1 && call.args.iter().enumerate().all(is_right);
    (has_closure && !fits).then_some(form)
}

/// What a 0 means as the first argument of an operator, if it can only be a mistake.
pub fn of_nothing(operator: &Operator, call: &ExprMethodCall) -> Option<(Expr, &'static str)> {
    let (meaning, argument) = (operator.zero?, call.args.first()?);
    let Expr::Lit(literal) = argument else { return None };
    let Lit::Int(number) = &literal.lit else { return None };
    number.base10_parse::<u64>().is_ok_and(|number| number == 0).then(|| (argument.clone(), meaning))
}
