//! Which closures let words be lent: `|line| line.split_whitespace().map(str::to_owned)` copies each word, and
//! `|word| (word, 1)` looks at none. What reads by key then copies only the words that are new to it.
//!
//! This is decided by how the closures are written, and only where that says everything: another spelling is
//! as right and a little slower.

use quote::ToTokens;
use syn::{Expr, ExprClosure, ExprMethodCall, ExprPath, Pat};

/// The closure without its last step, and that step's function, if it ends in `.map(str::to_owned)`.
pub fn words(function: &Expr) -> Option<(ExprClosure, ExprPath)> {
    let Expr::Closure(closure) = function else { return None };
    let Expr::MethodCall(ExprMethodCall { receiver, method, turbofish: None, args, .. }) = &*closure.body
    else {
        return None;
    };
    let [Expr::Path(own)] = args.iter().collect::<Vec<_>>()[..] else { return None };
    let copies =
        ["str :: to_owned", "str :: to_string"].contains(&own.to_token_stream().to_string().as_str());
    if method != "map" || !copies {
        return None;
    }
    let body = receiver.clone();
    Some((ExprClosure { body, ..closure.clone() }, own.clone()))
}

/// The value of `|word| (word, value)`, if it is a literal and so independent of the word.
pub fn paired(function: &Expr) -> Option<Expr> {
    let Expr::Closure(closure) = function else { return None };
    let (Some(Pat::Ident(word)), 1) = (closure.inputs.first(), closure.inputs.len()) else { return None };
    let Expr::Tuple(pair) = &*closure.body else { return None };
    let [Expr::Path(first), second] = pair.elems.iter().collect::<Vec<_>>()[..] else { return None };
    let unit = matches!(second, Expr::Tuple(unit) if unit.elems.is_empty());
    let literal = matches!(second, Expr::Lit(_)) || unit;
    (first.path.is_ident(&word.ident) && literal).then(|| second.clone())
}
