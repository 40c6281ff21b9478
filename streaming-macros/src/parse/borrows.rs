//! Which types of a header borrow from somebody: records travel to other threads and into checkpoints, and
//! values outlive whoever started the job.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Lifetime, ParenthesizedGenericArguments, TraitBound, Type, TypeBareFn, TypeReference,
    visit::{self, Visit},
    visit_mut::{self, VisitMut},
};

use crate::tokens::text;

/// A part of a type that belongs to somebody else.
pub struct Borrowed {
    /// Where it stands.
    pub at: TokenStream,
    /// What to write in its stead.
    pub fix: String,
}

/// The first part of a type that does not own its data. A `static` may be borrowed `for_ever`, but not by what
/// is read from a checkpoint.
pub fn borrowed(ty: &Type, for_ever: bool) -> Option<Borrowed> {
    struct Look {
        for_ever: bool,
        found: Option<Borrowed>,
    }
    impl<'a> Visit<'a> for Look {
        fn visit_type_reference(&mut self, reference: &'a TypeReference) {
            let is_static = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
            if self.found.is_some() || (is_static && !self.for_ever) {
                return;
            }
            let owned = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
                Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
                other => text(other),
            };
            let fix = format!(": write `{owned}` for `{}`", text(reference));
            self.found = Some(Borrowed { at: reference.to_token_stream(), fix });
        }
        fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
            if self.found.is_none() && lifetime.ident != "static" {
                let fix = format!(", and nothing else lives for `{lifetime}`: take a type without it");
                self.found = Some(Borrowed { at: lifetime.to_token_stream(), fix });
            }
        }
        // The arguments of a function are borrowed only while it runs.
        fn visit_type_bare_fn(&mut self, _: &'a TypeBareFn) {}
        fn visit_parenthesized_generic_arguments(&mut self, _: &'a ParenthesizedGenericArguments) {}
        fn visit_trait_bound(&mut self, bound: &'a TraitBound) {
            if bound.lifetimes.is_none() {
                visit::visit_trait_bound(self, bound);
            }
        }
    }
    let mut look = Look { for_ever, found: None };
    look.visit_type(ty);
    look.found
}

/// A type that was reported as borrowed, as one that rustc accepts.
pub fn lasting(ty: &Type) -> Type {
    struct Last;
    impl VisitMut for Last {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            let place = reference.and_token.span;
            reference.lifetime.get_or_insert_with(|| Lifetime::new("'static", place));
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = Ident::new("static", lifetime.ident.span());
        }
    }
    let mut ty = ty.clone();
    Last.visit_type_mut(&mut ty);
    ty
}
