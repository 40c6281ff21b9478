//! What the closures of operators do that no closure of that operator can, however its types are: it waits, leaves by `?`, returns what
//! it was only shown. rustc would speak of types, or of what a closure borrows.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    BinOp, Expr, ExprAsync, ExprBinary, ExprClosure, ExprMethodCall, ExprTry, Item, Lit, Pat, PathArguments,
    Stmt, Type, TypePath, UnOp,
    visit::{self, Visit},
};

use super::{call_shape::written, key_state::state, waits::value_of};
use crate::{operators::Operator, tokens::text};

/// A place, and what is to be said of it.
pub type Said = (TokenStream, String);

/// The first mistake in the closures of an operator on a stream.
pub fn mistake(operator: &Operator, call: &ExprMethodCall) -> Option<Said> {
    let closures = call.args.iter().filter_map(|argument| match argument {
        Expr::Closure(closure) => Some(closure),
        _ => None,
    });
    closures.into_iter().find_map(|closure| {
        parameter(operator, closure)
            .or_else(|| left_by_question_mark(operator, closure))
            .or_else(|| no_answer(operator, closure))
            .or_else(|| half_an_option(operator, closure))
            .or_else(|| compared(operator, closure))
            .or_else(|| shown_and_returned(operator, closure))
            .or_else(|| state(operator, closure))
    })
}

/// The name of a parameter, if it has one, and how it is given: see [`Operator::shown`].
pub fn parameters<'a>(
    operator: &'a Operator,
    closure: &'a ExprClosure,
) -> impl Iterator<Item = (&'a Pat, char)> + 'a {
    closure.inputs.iter().zip(operator.shown.chars().chain(std::iter::repeat('.')))
}

pub fn name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Some(&pattern.ident),
        Pat::Type(typed) => name(&typed.pat),
        _ => None,
    }
}

/// A parameter's type that is not how the operator gives it. Only types of the language are known without looking.
fn parameter(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    parameters(operator, closure).find_map(|(pattern, shown)| {
        let Pat::Type(typed) = pattern else { return None };
        let (right, why) = right_type(operator, shown, &typed.ty)?;
        let given = text(&typed.pat);
        let words = format!("`{}` {why}: write `{given}: {right}`", operator.name);
        Some((typed.ty.to_token_stream(), words))
    })
}

/// The type of a parameter that is given in that way, if it is not the one that is written, and how it is given.
fn right_type(operator: &Operator, shown: char, written: &Type) -> Option<(String, &'static str)> {
    let ty = text(written);
    let last = |path: &TypePath| path.path.segments.last().cloned();
    Some(match (shown, written) {
        ('&', Type::Path(_) | Type::Tuple(_)) if is_of_the_language(written) => {
            (format!("&{ty}"), "shows this to its closure by reference")
        }
        ('?', Type::Path(_) | Type::Tuple(_)) if is_of_the_language(written) && !is_option(written) => (
            format!("Option<{ty}>"),
            "gives this to its closure as an `Option`, since a key may be new or idle",
        ),
        ('[', Type::Path(path)) => {
            let last = last(path).filter(|last| last.ident == "Vec")?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            (format!("&[{}]", text(&arguments.args)), "shows the new values to its closure as a slice")
        }
        ('!', Type::Path(path)) if last(path)?.ident == "KeyState" => {
            (format!("&mut {ty}"), "shows the state to its closure, to be changed")
        }
        ('!', Type::Path(_)) if is_of_the_language(written) => {
            (format!("&mut KeyState<{ty}>"), "shows the state to its closure, to be changed")
        }
        ('!', Type::Reference(state)) if is_of_the_language(&state.elem) => (
            format!("&mut KeyState<{}>", text(&state.elem)),
            "shows a state that is asked by `.get()` and changed by `.update(..)`",
        ),
        ('.', Type::Reference(given)) if is_given(operator) && given.mutability.is_none() => {
            match &*given.elem {
                Type::Path(path) if path.path.is_ident("str") => {
                    ("String".to_owned(), "gives the record away to its closure")
                }
                Type::Path(_) | Type::Tuple(_) => (text(&given.elem), "gives the record away to its closure"),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// Whether all that is not said to be shown is given away.
fn is_given(operator: &Operator) -> bool {
    !operator.shown.contains('.') && operator.name != "reduce_by_key_with_inverse_and_filter"
}

fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

/// Whether a type is one that everyone knows, and no other name for a reference.
pub fn is_of_the_language(ty: &Type) -> bool {
    const KNOWN: [&str; 24] = [
        "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
        "isize", "f32", "f64", "String", "Vec", "Option", "Result", "HashMap", "HashSet", "BTreeMap",
        "BTreeSet",
    ];
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| KNOWN.iter().any(|known| last.ident == known))
        }
        Type::Tuple(tuple) => !tuple.elems.is_empty() && tuple.elems.iter().all(is_of_the_language),
        _ => false,
    }
}

/// A `?` that would leave a closure whose value is what the `?` lets through.
fn left_by_question_mark(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    const MAY: [&str; 9] = [
        "filter_map",
        "try_map",
        "flat_map",
        "flat_map_values",
        "transform",
        "transform_with",
        "map_partitions",
        "map_with_state",
        "map_with_state_from",
    ];
    if MAY.contains(&operator.name) || operator.name.starts_with("update_state") {
        return None;
    }
    let tried = first_try(closure)?;
    let lets_through = match value_of(&closure.body) {
        Expr::Try(tried) => matches!(&*tried.expr, Expr::MethodCall(_) | Expr::Call(_)),
        Expr::Lit(_)
        | Expr::Binary(_)
        | Expr::Tuple(_)
        | Expr::Unary(_)
        | Expr::Cast(_)
        | Expr::Struct(_) => true,
        Expr::Macro(made) => made.mac.path.is_ident("format") || made.mac.path.is_ident("vec"),
        _ => false,
    };
    let parameter = closure.inputs.first().map_or("record".to_owned(), text);
    let words = format!(
        "`?` cannot leave the closure of `{}`: what may fail is `.try_map(|{parameter}| ..)`, which makes two streams, `let (made, failed) = ..`; what may be missing is `.filter_map(|{parameter}| ..)`",
        operator.name
    );
    lets_through.then(|| (tried.question_token.to_token_stream(), words))
}

/// The first `?` of the closure itself.
fn first_try(closure: &ExprClosure) -> Option<ExprTry> {
    struct Tries(Option<ExprTry>);
    impl<'a> Visit<'a> for Tries {
        fn visit_expr_try(&mut self, tried: &'a ExprTry) {
            visit::visit_expr_try(self, tried);
            self.0.get_or_insert_with(|| tried.clone());
        }
        fn visit_expr_async(&mut self, _: &'a ExprAsync) {}
        fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}
        fn visit_item(&mut self, _: &'a Item) {}
    }
    let mut tries = Tries(None);
    tries.visit_expr(&closure.body);
    tries.0
}

/// A closure that is asked something and answers nothing.
fn no_answer(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    let answer = match operator.name {
        "filter" | "split" => "`bool`",
        "filter_map" => "`Option`",
        "try_map" => "`Result`",
        _ => return None,
    };
    let name = operator.name;
    if let Expr::Macro(made) = value_of(&closure.body)
        && let Some(last) = made.mac.path.segments.last()
        && ["println", "print", "eprintln", "eprint"].iter().any(|print| last.ident == print)
    {
        let words = format!(
            "`{name}` asks its closure for a {answer}: to look at records on their way write `.inspect(..)`"
        );
        return Some((made.to_token_stream(), words));
    }
    let Expr::Block(block) = &*closure.body else { return None };
    let Some(Stmt::Expr(last, Some(semicolon))) = block.block.stmts.last() else { return None };
    let is_value = matches!(last, Expr::Binary(pair) if is_comparison(pair)) || matches!(last, Expr::Lit(_));
    let words =
        format!("`{name}` asks its closure for a {answer}, and `;` makes nothing of it: delete the `;`");
    is_value.then(|| (semicolon.to_token_stream(), words))
}

fn is_comparison(pair: &ExprBinary) -> bool {
    use BinOp::{And, Eq, Ge, Gt, Le, Lt, Ne, Or};
    matches!(pair.op, Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_) | And(_) | Or(_))
}

/// The values that an expression may have, one for each of its branches.
fn values(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(value, None)) => values(value),
            _ => Vec::new(),
        },
        Expr::If(branch) => {
            let then = match branch.then_branch.stmts.last() {
                Some(Stmt::Expr(value, None)) => values(value),
                _ => Vec::new(),
            };
            let others = branch.else_branch.iter().flat_map(|(_, other)| values(other));
            then.into_iter().chain(others).collect()
        }
        Expr::Match(choice) => choice.arms.iter().flat_map(|arm| values(&arm.body)).collect(),
        Expr::Paren(paren) => values(&paren.expr),
        expr => vec![expr],
    }
}

/// A `filter_map` of which one branch is an `Option`, and another is surely none.
fn half_an_option(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    let name = operator.name;
    if name != "filter_map" && !name.starts_with("map_with_state") && !name.starts_with("update_state") {
        return None;
    }
    let all = values(&closure.body);
    let is_plain = |expr: &Expr| match expr {
        Expr::Lit(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Binary(_) | Expr::Struct(_) => true,
        Expr::Macro(made) => made.mac.path.is_ident("format") || made.mac.path.is_ident("vec"),
        _ => false,
    };
    let plain = all.iter().find(|value| is_plain(value))?;
    if let Expr::Binary(pair) = plain
        && is_comparison(pair)
        && all.len() == 1
        && name == "filter_map"
    {
        let words = format!(
            "`filter_map` asks its closure for an `Option`: to ask for a `bool` write `.filter({})`",
            written_closure(closure)
        );
        return Some((plain.to_token_stream(), words));
    }
    // `()` ends a branch that leaves otherwise.
    if matches!(plain, Expr::Tuple(unit) if unit.elems.is_empty())
        || matches!(plain, Expr::Binary(pair) if is_assignment(pair))
    {
        return None;
    }
    let kind = if matches!(plain, Expr::Tuple(_)) { "Option<(..)>" } else { "Option<..>" };
    let words = format!(
        "what the closure of `{name}` returns is an `{kind}`, in each branch: write `Some({})`",
        written(plain)
    );
    Some((plain.to_token_stream(), words))
}

fn is_assignment(pair: &ExprBinary) -> bool {
    text(&pair.op).ends_with('=') && !is_comparison(pair)
}

fn written_closure(closure: &ExprClosure) -> String {
    written(&Expr::Closure(closure.clone()))
}

/// A record that is shown, compared as it is with a number.
fn compared(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    struct Compared<'a> {
        shown: Vec<&'a Ident>,
        found: Option<(Ident, ExprBinary)>,
    }
    impl<'a> Visit<'a> for Compared<'_> {
        fn visit_expr_binary(&mut self, pair: &'a ExprBinary) {
            visit::visit_expr_binary(self, pair);
            let shown = |expr: &Expr| match expr {
                Expr::Path(path) => {
                    path.path.get_ident().filter(|name| self.shown.iter().any(|shown| shown == name)).cloned()
                }
                _ => None,
            };
            let is_number = |expr: &Expr| {
                let expr = match expr {
                    Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => &unary.expr,
                    expr => expr,
                };
                matches!(expr, Expr::Lit(literal) if matches!(literal.lit, Lit::Int(_) | Lit::Float(_) | Lit::Char(_) | Lit::Bool(_)))
            };
            let name = match (&*pair.left, &*pair.right) {
                (left, right) if is_number(right) => shown(left),
                (left, right) if is_number(left) => shown(right),
                _ => None,
            };
            let is_logical = matches!(pair.op, BinOp::And(_) | BinOp::Or(_));
            if let (Some(name), true, false, None) = (name, is_comparison(pair), is_logical, &self.found) {
                self.found = Some((name, pair.clone()));
            }
        }
        // A name of its own may hide the record's.
        fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}
        fn visit_expr_match(&mut self, _: &'a syn::ExprMatch) {}
        fn visit_expr_block(&mut self, _: &'a syn::ExprBlock) {}
        fn visit_expr_if(&mut self, _: &'a syn::ExprIf) {}
        fn visit_item(&mut self, _: &'a Item) {}
    }
    let shown = parameters(operator, closure)
        .filter(|(pattern, shown)| *shown == '&' && matches!(pattern, Pat::Ident(_)))
        .filter_map(|(pattern, _)| name(pattern));
    let mut compared = Compared { shown: shown.collect(), found: None };
    compared.visit_expr(&closure.body);
    let (name, pair) = compared.found?;
    let star = |expr: &Expr| match expr {
        Expr::Path(_) => format!("*{}", text(expr)),
        expr => written(expr),
    };
    let right = format!("{} {} {}", star(&pair.left), text(&pair.op), star(&pair.right));
    let words =
        format!("`{}` shows the record by reference, and `{name}` is one: write `{right}`", operator.name);
    Some((pair.to_token_stream(), words))
}

/// What is only shown, and returned as a record or a part of one.
fn shown_and_returned(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    let (at, is_key) = match operator.name {
        "key_by" => (0, true),
        "map_with_state" => (0, false),
        "map_with_state_from" => (1, false),
        _ => return None,
    };
    let Some(Pat::Ident(parameter)) = closure.inputs.iter().nth(at) else { return None };
    let shown = &parameter.ident;
    let is_shown = |expr: &Expr| matches!(expr, Expr::Path(path) if path.path.is_ident(shown));
    let parts = |expr: &Expr| -> Vec<Expr> {
        match expr {
            Expr::Tuple(tuple) => tuple.elems.iter().cloned().collect(),
            expr => vec![expr.clone()],
        }
    };
    let found = values(&closure.body).into_iter().find_map(|value| {
        let inner = match value {
            Expr::Call(call) if text(&call.func) == "Some" => call.args.first()?,
            value if is_key => value,
            _ => return None,
        };
        parts(inner).into_iter().find(|part| is_shown(part))
    });
    let found = found.filter(|_| !is_hidden(shown, &closure.body))?;
    let what = if is_key { "the record" } else { "the key" };
    let words = format!(
        "`{}` shows {what} by reference, and a record owns its data: write `{shown}.clone()`, or `*{shown}` for a number",
        operator.name
    );
    Some((found.to_token_stream(), words))
}

/// Whether something in a body takes a parameter's name.
pub fn is_hidden(name: &Ident, body: &Expr) -> bool {
    struct Hidden<'a>(&'a Ident, bool);
    impl<'a> Visit<'a> for Hidden<'_> {
        fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
            self.1 |= pattern.ident == *self.0;
            visit::visit_pat_ident(self, pattern);
        }
    }
    let mut hidden = Hidden(name, false);
    hidden.visit_expr(body);
    hidden.1
}
