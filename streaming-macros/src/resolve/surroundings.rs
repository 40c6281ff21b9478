//! What is known of a body before its streams are followed: which names it makes anywhere, and of which it reads fields.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, ExprField, Item, Local, Stmt,
    visit::{self, Visit},
};

use super::scope::bound;
use crate::{
    durations::{no_length, no_number},
    parse::partial_parse::Chunk,
    tokens::name_of,
};

/// The names of a body.
#[derive(Default)]
pub struct Surroundings {
    /// What a `let` of the body itself makes, wherever it stands.
    pub lets: HashSet<String>,
    /// Whose fields are read.
    pub with_fields: HashSet<String>,
    /// Functions, constants and modules that stand in the body.
    pub items: HashSet<String>,
    /// What is made by a closure.
    pub closures: HashSet<String>,
    /// Durations that are none, and what is to be said of them.
    pub durations: Vec<(TokenStream, String)>,
}

impl Surroundings {
    /// Looks through the statements that could be read.
    pub fn of(chunks: &[Chunk]) -> Self {
        let mut names = Surroundings::default();
        for chunk in chunks {
            let (Chunk::Whole(statements) | Chunk::Filled { statements, .. }) = chunk else { continue };
            for statement in statements {
                if let Stmt::Local(local) = statement {
                    names.local(local);
                }
                names.visit_stmt(statement);
            }
        }
        names
    }

    fn local(&mut self, local: &Local) {
        let made = bound(&local.pat);
        self.lets.extend(made.iter().map(name_of));
        let is_closure = local.init.as_ref().is_some_and(|init| matches!(*init.expr, Expr::Closure(_)));
        if is_closure {
            self.closures.extend(made.iter().map(name_of));
        }
    }
}

impl<'a> Visit<'a> for Surroundings {
    fn visit_expr(&mut self, expr: &'a Expr) {
        let said = no_number(expr).map(|words| (expr.to_token_stream(), words));
        self.durations.extend(said.or_else(|| idle(expr)));
        visit::visit_expr(self, expr);
    }
    fn visit_expr_field(&mut self, field: &'a ExprField) {
        if let Expr::Path(path) = &*field.base
            && let Some(name) = path.path.get_ident()
        {
            self.with_fields.insert(name_of(name));
        }
        visit::visit_expr_field(self, field);
    }
    fn visit_item(&mut self, item: &'a Item) {
        let name = match item {
            Item::Fn(function) => &function.sig.ident,
            Item::Mod(module) => &module.ident,
            Item::Const(constant) => &constant.ident,
            Item::Static(fixed) => &fixed.ident,
            _ => return,
        };
        self.items.insert(name_of(name));
    }
}

/// `idle_for(30)`.
fn idle(expr: &Expr) -> Option<(TokenStream, String)> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let last = function.path.segments.last().filter(|last| last.ident == "idle_for")?;
    let (length, 1) = (call.args.first()?, call.args.len()) else { return None };
    let right = no_length(length)?;
    Some((
        length.to_token_stream(),
        format!("how long a key may be idle is a duration: write `{}({right})`", last.ident),
    ))
}
