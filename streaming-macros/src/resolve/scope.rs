//! Which names an expression borrows from its surroundings. A closure's own `word` is not the stream `word`.

use std::collections::HashSet;

use proc_macro2::Ident;
use syn::{
    Arm, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprWhile, Item, Local, Pat, PatIdent,
    visit::{self, Visit},
};

use crate::tokens::name_of;

/// The names that a pattern introduces.
pub fn bound(pattern: &Pat) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl<'a> Visit<'a> for Names {
        fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
            self.0.push(pattern.ident.clone());
            visit::visit_pat_ident(self, pattern);
        }
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    names.0
}

/// All names in `expr` that are free in it and for which `wanted` holds, in source order.
pub fn all_free(expr: &Expr, wanted: impl Fn(&str) -> bool) -> Vec<Ident> {
    let mut free = Free { wanted, values_only: false, hidden: Vec::new(), found: Vec::new() };
    free.visit_expr(expr);
    free.found
}

/// As [`all_free`], of a statement.
pub fn free_in(statement: &syn::Stmt, wanted: impl Fn(&str) -> bool) -> Vec<Ident> {
    let mut free = Free { wanted, values_only: false, hidden: Vec::new(), found: Vec::new() };
    free.visit_stmt(statement);
    free.found
}

/// As [`all_free`], but only where something is done with a name as with a value: a method is called, a field is read, it is compared.
/// The name of a function would be called.
pub fn free_values(expr: &Expr, wanted: impl Fn(&str) -> bool) -> Vec<Ident> {
    let mut free = Free { wanted, values_only: true, hidden: Vec::new(), found: Vec::new() };
    free.visit_expr(expr);
    free.found
}

struct Free<W> {
    wanted: W,
    values_only: bool,
    /// One set of names for each scope around the place that is visited.
    hidden: Vec<HashSet<String>>,
    found: Vec<Ident>,
}

impl<W: Fn(&str) -> bool> Free<W> {
    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.hidden.push(HashSet::new());
        visit(self);
        self.hidden.pop();
    }
    fn name(&mut self, expr: &Expr) {
        let Expr::Path(path) = expr else { return };
        let Some(ident) = path.path.get_ident() else { return };
        let name = name_of(ident);
        if (self.wanted)(&name) && !self.hidden.iter().any(|scope| scope.contains(&name)) {
            self.found.push(ident.clone());
        }
    }
    fn hide(&mut self, pattern: &Pat) {
        let names = bound(pattern).iter().map(name_of).collect::<Vec<_>>();
        self.hidden.last_mut().expect("patterns stand inside a scope").extend(names);
    }
}

impl<'a, W: Fn(&str) -> bool> Visit<'a> for Free<W> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            expr if !self.values_only => self.name(expr),
            Expr::MethodCall(call) => self.name(&call.receiver),
            Expr::Field(field) => self.name(&field.base),
            Expr::Index(index) => self.name(&index.expr),
            Expr::Unary(unary) => self.name(&unary.expr),
            Expr::Binary(pair) => {
                self.name(&pair.left);
                self.name(&pair.right);
            }
            _ => {}
        }
        // `if let` and `while let` bind inside conditions, so every expression with a condition is a scope.
        match expr {
            Expr::If(_) | Expr::While(_) => self.within(|free| visit::visit_expr(free, expr)),
            _ => visit::visit_expr(self, expr),
        }
    }
    fn visit_expr_let(&mut self, condition: &'a syn::ExprLet) {
        self.visit_expr(&condition.expr);
        if !self.hidden.is_empty() {
            self.hide(&condition.pat);
        }
    }
    fn visit_expr_if(&mut self, branch: &'a ExprIf) {
        visit::visit_expr_if(self, branch);
    }
    fn visit_expr_while(&mut self, repeat: &'a ExprWhile) {
        visit::visit_expr_while(self, repeat);
    }
    fn visit_expr_closure(&mut self, closure: &'a ExprClosure) {
        self.within(|free| {
            closure.inputs.iter().for_each(|input| free.hide(input));
            free.visit_expr(&closure.body);
        });
    }
    fn visit_expr_for_loop(&mut self, repeat: &'a ExprForLoop) {
        self.visit_expr(&repeat.expr);
        self.within(|free| {
            free.hide(&repeat.pat);
            free.visit_block(&repeat.body);
        });
    }
    fn visit_arm(&mut self, arm: &'a Arm) {
        self.within(|free| {
            free.hide(&arm.pat);
            if let Some((_, guard)) = &arm.guard {
                free.visit_expr(guard);
            }
            free.visit_expr(&arm.body);
        });
    }
    fn visit_block(&mut self, block: &'a Block) {
        self.within(|free| visit::visit_block(free, block));
    }
    fn visit_local(&mut self, local: &'a Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
        if !self.hidden.is_empty() {
            self.hide(&local.pat);
        }
    }
    // A function or constant inside the body sees no locals.
    fn visit_item(&mut self, _: &'a Item) {}
}
