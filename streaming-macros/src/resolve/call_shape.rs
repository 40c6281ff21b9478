//! How operators are called: how many arguments they take, which of them are functions, and of how many parameters.
//!
//! rustc says of a closure in the wrong place that it cannot infer its types, and of an argument too many that there is one, each
//! beside what follows from it. What is written out can be counted before it looks.

use syn::{Expr, ExprMethodCall, Lit};

use super::advice::advice;
use crate::{
    operators::{Kind, Makes, Operator, Syntax},
    tokens::text,
};

/// What stands at a place of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A function of so many parameters.
    Function(usize),
    /// Anything else.
    Value,
}

/// The places of a call, by how it is written in the table.
pub fn places(call: &str) -> Vec<Place> {
    let (mut parts, mut depth, mut in_bars) = (vec![String::new()], 0, false);
    for c in call.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' => in_bars = !in_bars,
            ',' if depth == 0 && !in_bars => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("there is always a part").push(c);
    }
    let place = |part: &String| match part.split('|').nth(1) {
        Some(parameters) if !parameters.starts_with('(') => Place::Function(parameters.split(',').count()),
        Some(_) => Place::Function(1),
        None => Place::Value,
    };
    parts.iter().filter(|part| !part.trim().is_empty()).map(place).collect()
}

/// What is to be said of a call that is none: it has more or fewer arguments than the operator, or a function has more or
/// fewer parameters. Of a receiver that is not surely a stream only calls are looked at that nothing else would have.
pub fn unlike(operator: &Operator, call: &ExprMethodCall, is_certain: bool) -> Option<String> {
    let args: Vec<&Expr> = call.args.iter().collect();
    let has_closure = args.iter().any(|argument| matches!(argument, Expr::Closure(_)));
    let is_own = matches!(operator.kind, Kind::Stateful | Kind::End)
        || (operator.kind == Kind::Global && operator.makes == Makes::Batch);
    if operator.is_sink() || !(is_certain || is_own && (has_closure || operator.kind == Kind::End)) {
        return None;
    }
    let (name, places) = (operator.name, places(operator.call));
    let count = |number: usize| match number {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        number => format!("{number} arguments"),
    };
    let wrong = match args.len() == places.len() {
        false => format!("`{name}` takes {}", count(places.len())),
        true => args.iter().zip(&places).find_map(|(argument, place)| match (argument, place) {
            (Expr::Closure(closure), Place::Function(parameters)) => {
                let own = closure.inputs.len();
                let emits = operator.syntax == Syntax::Emits && own == 2;
                (own != *parameters && !emits)
                    .then(|| format!("the closure of `{name}` takes {}", count(*parameters)))
            }
            (Expr::Closure(_), Place::Value) => Some(format!("`{name}` takes no function here")),
            (argument, Place::Function(_)) if is_certain && is_no_function(argument) => {
                Some(format!("`{name}` takes a function here"))
            }
            _ => None,
        })?,
    };
    let right = advice(operator, &args).unwrap_or_else(|| format!("`.{name}({})`", operator.call));
    Some(format!("{wrong}: write {right}"))
}

/// Whether an expression is surely no function.
fn is_no_function(argument: &Expr) -> bool {
    let is_text = |path: &syn::Path| ["format", "vec", "println"].iter().any(|name| path.is_ident(name));
    match argument {
        Expr::Lit(_)
        | Expr::Binary(_)
        | Expr::Tuple(_)
        | Expr::Array(_)
        | Expr::Range(_)
        | Expr::Infer(_) => true,
        Expr::Unary(unary) => is_no_function(&unary.expr),
        Expr::Macro(made) => is_text(&made.mac.path),
        // `_.len()`, as in Scala.
        argument => starts_with_a_hole(argument),
    }
}

/// Whether `_` stands where the record should.
pub fn starts_with_a_hole(expr: &Expr) -> bool {
    match expr {
        Expr::Infer(_) => true,
        Expr::MethodCall(call) => starts_with_a_hole(&call.receiver),
        Expr::Field(field) => starts_with_a_hole(&field.base),
        Expr::Binary(pair) => starts_with_a_hole(&pair.left) || starts_with_a_hole(&pair.right),
        Expr::Unary(unary) => starts_with_a_hole(&unary.expr),
        Expr::Paren(paren) => starts_with_a_hole(&paren.expr),
        _ => false,
    }
}

/// What a 0 means as the first argument of an operator, if it can only be a mistake.
pub fn of_nothing(operator: &Operator, call: &ExprMethodCall) -> Option<(Expr, &'static str)> {
    let (meaning, argument) = (operator.zero?, call.args.first()?);
    let Expr::Lit(literal) = argument else { return None };
    let Lit::Int(number) = &literal.lit else { return None };
    number.base10_parse::<u64>().is_ok_and(|number| number == 0).then(|| (argument.clone(), meaning))
}

/// An expression as its author would write it: closures have blanks behind their parameters.
pub fn written(expr: &Expr) -> String {
    match expr {
        Expr::Closure(closure) => {
            let keyword = closure.capture.map_or("", |_| "move ");
            let inputs: Vec<String> = closure.inputs.iter().map(text).collect();
            format!("{keyword}|{}| {}", inputs.join(", "), written(&closure.body))
        }
        Expr::Binary(pair) => format!("{} {} {}", written(&pair.left), text(&pair.op), written(&pair.right)),
        Expr::MethodCall(call) if call.turbofish.is_none() => {
            let args: Vec<String> = call.args.iter().map(written).collect();
            format!("{}.{}({})", written(&call.receiver), call.method, args.join(", "))
        }
        Expr::Call(call) => {
            let args: Vec<String> = call.args.iter().map(written).collect();
            format!("{}({})", text(&call.func), args.join(", "))
        }
        Expr::Tuple(tuple) => {
            let parts: Vec<String> = tuple.elems.iter().map(written).collect();
            format!("({})", parts.join(", "))
        }
        Expr::Paren(paren) => format!("({})", written(&paren.expr)),
        other => text(other),
    }
}
