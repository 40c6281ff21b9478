//! How operators with several arguments, or closures of several parameters, are called.
//!
//! rustc says of a closure in the wrong place only that it cannot infer its types. What is written out can be counted.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, ExprAsync, ExprAwait, ExprClosure, ExprMethodCall, Item, Lit, Stmt,
    visit::{self, Visit},
};

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

/// Where a closure of an operator waits for a future, or returns one.
pub fn waits(call: &ExprMethodCall) -> Option<TokenStream> {
    let closures = call.args.iter().filter_map(|argument| match argument {
        Expr::Closure(closure) => Some(closure),
        _ => None,
    });
    closures.into_iter().find_map(|closure| match (&closure.asyncness, value_of(&closure.body)) {
        (Some(keyword), _) => Some(keyword.to_token_stream()),
        (None, Expr::Async(future)) => Some(future.async_token.to_token_stream()),
        _ => awaited(closure),
    })
}

/// The last expression of a block, or what there is otherwise.
fn value_of(body: &Expr) -> &Expr {
    match body {
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(value, None)) => value_of(value),
            _ => body,
        },
        _ => body,
    }
}

/// The first `.await` that the closure itself would have to do.
fn awaited(closure: &ExprClosure) -> Option<TokenStream> {
    struct Awaits(Option<TokenStream>);
    impl<'a> Visit<'a> for Awaits {
        fn visit_expr_await(&mut self, awaited: &'a ExprAwait) {
            visit::visit_expr_await(self, awaited);
            self.0.get_or_insert_with(|| awaited.await_token.to_token_stream());
        }
        fn visit_expr_async(&mut self, _: &'a ExprAsync) {}
        fn visit_expr_closure(&mut self, inner: &'a ExprClosure) {
            if inner.asyncness.is_none() {
                visit::visit_expr_closure(self, inner);
            }
        }
        fn visit_item(&mut self, _: &'a Item) {}
    }
    let mut awaits = Awaits(None);
    awaits.visit_expr(&closure.body);
    awaits.0
}
