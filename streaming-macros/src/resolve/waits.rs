//! Closures that wait for a future, or return one: workers do not wait.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, ExprAsync, ExprAwait, ExprClosure, ExprMethodCall, Item, Stmt,
    visit::{self, Visit},
};

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
pub fn value_of(body: &Expr) -> &Expr {
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
