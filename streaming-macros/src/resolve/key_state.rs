//! States of keys that are changed or read in a closure as if they were the value. rustc would speak of traits that a state does
//! not have.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{
    Expr, ExprAssign, ExprBinary, ExprClosure, ExprMethodCall, Item, Lit, UnOp,
    visit::{self, Visit},
};

use super::{
    call_shape::written,
    closures::{Said, is_hidden, name, parameters},
};
use crate::{operators::Operator, tokens::text};

/// A state that is changed or read as if it were the value.
pub fn state(operator: &Operator, closure: &ExprClosure) -> Option<Said> {
    let state = parameters(operator, closure)
        .find(|(_, shown)| *shown == '!')
        .and_then(|(pattern, _)| name(pattern))?;
    if is_hidden(state, &closure.body) {
        return None;
    }
    struct States<'a> {
        state: &'a Ident,
        found: Option<Said>,
    }
    impl States<'_> {
        fn is_state(&self, expr: &Expr) -> bool {
            match expr {
                Expr::Path(path) => path.path.is_ident(self.state),
                Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => self.is_state(&unary.expr),
                Expr::Paren(paren) => self.is_state(&paren.expr),
                _ => false,
            }
        }
        fn given(&mut self, at: &dyn ToTokens, right: &str) {
            let state = self.state;
            let words = format!(
                "a state is read by `{state}.get()` and given by `.update(..)`: write `{state}.update({right})`"
            );
            self.found.get_or_insert((at.to_token_stream(), words));
        }
    }
    impl<'a> Visit<'a> for States<'_> {
        fn visit_expr_assign(&mut self, assign: &'a ExprAssign) {
            visit::visit_expr_assign(self, assign);
            if self.is_state(&assign.left) && matches!(&*assign.left, Expr::Unary(_)) {
                self.given(&assign.left, &written(&assign.right));
            }
        }
        fn visit_expr_binary(&mut self, pair: &'a ExprBinary) {
            visit::visit_expr_binary(self, pair);
            let op = text(&pair.op);
            let is_shown = |expr: &Expr| matches!(expr, Expr::Unary(_)) && self.is_state(expr);
            if !op.ends_with('=') && (is_shown(&pair.left) || is_shown(&pair.right)) {
                let state = self.state;
                let words = format!(
                    "a state is read by `.get()`: write `{state}.get().copied().unwrap_or_default()`, and give it by `{state}.update(..)`"
                );
                self.found.get_or_insert((pair.to_token_stream(), words));
            }
            let Some(op) = op.strip_suffix('=').filter(|op| ["+", "-", "*", "/", "|", "&"].contains(op))
            else {
                return;
            };
            if self.is_state(&pair.left) {
                let right = format!(
                    "{}.get().copied().unwrap_or_default() {op} {}",
                    self.state,
                    written(&pair.right)
                );
                self.given(pair, &right);
            }
        }
        fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
            visit::visit_expr_method_call(self, call);
            let Expr::MethodCall(get) = &*call.receiver else { return };
            let is_owned = |expr: &Expr| match expr {
                Expr::Lit(literal) => !matches!(literal.lit, Lit::Str(_) | Lit::ByteStr(_)),
                Expr::Tuple(_) | Expr::Macro(_) | Expr::Call(_) => true,
                _ => false,
            };
            if get.method == "get"
                && get.args.is_empty()
                && self.is_state(&get.receiver)
                && call.method == "unwrap_or"
                && call.args.first().is_some_and(is_owned)
            {
                let (state, or) = (self.state, call.args.iter().map(written).collect::<String>());
                let words = format!(
                    "`{state}.get()` shows the state by reference: write `{state}.get().copied().unwrap_or({or})`, or `.cloned()` for what is no number"
                );
                self.found.get_or_insert((call.method.to_token_stream(), words));
            }
        }
        fn visit_item(&mut self, _: &'a Item) {}
    }
    let mut states = States { state, found: None };
    states.visit_expr(&closure.body);
    states.found
}
