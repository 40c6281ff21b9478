//! What a body that is kept from rustc would have used. Without it, one mistake would bring a warning for each import behind it.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{
    Attribute, Expr, ExprBinary, ExprCall, ItemUse, Macro, PatIdent, Path, Stmt,
    visit::{self, Visit},
};

use crate::{
    durations::no_length,
    operators::known,
    parse::{
        Item,
        partial_parse::{Chunk, chunks},
    },
    tokens::{for_each_name, name_of},
};

/// Types of the language: there is nothing to import.
const BUILT_IN: [&str; 19] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64", "self", "Self",
];

/// Imports, for nobody, of all names in the body that come from outside of it.
pub fn of_body(item: &Item, conditions: &[&Attribute]) -> TokenStream {
    let mut names = Names::default();
    for chunk in chunks(item.body.clone()) {
        let (Chunk::Whole(statements) | Chunk::Filled { statements, .. }) = chunk else { continue };
        statements.iter().for_each(|statement| names.visit_stmt(statement));
    }
    let is_own = |name: &str| item.declared.iter().any(|own| own == name);
    let is_path = |name: &str| ["crate", "super"].contains(&name) || BUILT_IN.contains(&name);
    names.used.retain(|name, _| !is_own(name) && !is_path(name) && !names.made.contains(name));
    let used = names.used.values();
    quote! {
        #(#conditions)*
        const _: () = { #( #[allow(unused_imports, deprecated)] use #used as _; )* };
    }
}

#[derive(Default)]
struct Names {
    /// The beginnings of paths.
    used: BTreeMap<String, Ident>,
    /// What the body itself makes or imports.
    made: Vec<String>,
}

impl Names {
    fn root(&mut self, path: &Path) {
        if let (None, Some(first)) = (&path.leading_colon, path.segments.first()) {
            self.used.entry(name_of(&first.ident)).or_insert_with(|| first.ident.clone());
        }
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_path(&mut self, path: &'a Path) {
        let is_variable = path.get_ident().is_some_and(|name| !name_of(name).starts_with(char::is_uppercase));
        if !is_variable {
            self.root(path);
        }
        visit::visit_path(self, path);
    }
    fn visit_expr_binary(&mut self, pair: &'a ExprBinary) {
        self.visit_expr(&pair.left);
        match &*pair.right {
            // `words | filter(..)`: an operator, and no function.
            Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.get_ident().is_some_and(|name| known(&name_of(name)).is_some())) =>
            {
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            right => self.visit_expr(right),
        }
    }
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        if let Expr::Path(function) = &*call.func {
            let name = function.path.get_ident();
            // A length of time in words of elsewhere is nobody's.
            if name.is_some() && no_length(&Expr::Call(call.clone())).is_some() {
                return;
            }
            self.root(&function.path);
        }
        visit::visit_expr_call(self, call);
    }
    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        // `map(parse)`: a function, if no variable has that name.
        let takes_functions =
            known(&name_of(&call.method)).is_some_and(|operator| operator.takes_functions());
        for argument in call.args.iter().filter(|_| takes_functions) {
            if let Expr::Path(function) = argument {
                self.root(&function.path);
            }
        }
        visit::visit_expr_method_call(self, call);
    }
    fn visit_macro(&mut self, call: &'a Macro) {
        self.root(&call.path);
        if call.path.is_ident("stream") || call.path.is_ident("stage") {
            for_each_name(&call.tokens, &mut |name| self.made.push(name));
        }
    }
    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        self.made.push(name_of(&pattern.ident));
        visit::visit_pat_ident(self, pattern);
    }
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Item(item) = statement {
            // Whatever it makes or imports.
            for_each_name(&quote!(#item), &mut |name| self.made.push(name));
        }
        visit::visit_stmt(self, statement);
    }
    fn visit_item_use(&mut self, _: &'a ItemUse) {}
}
