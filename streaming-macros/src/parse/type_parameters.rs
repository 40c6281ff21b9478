//! The type parameters of a pipeline. They stand in its `<>` before or among the ports and are told apart by their bounds: a port
//! is a `Source` or a `Sink`, a type parameter is anything else, and has a name as types have.

use quote::ToTokens;
use syn::{GenericParam, Signature, TypeParam, TypeParamBound, WherePredicate};

use super::Port;
use crate::{
    errors::Errors,
    tokens::{mentions, name_of, text},
};

/// What the compiler can do with a type, and what does not make a record of it.
const OF_THE_LANGUAGE: [&str; 13] = [
    "Clone",
    "Copy",
    "Debug",
    "Display",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Send",
    "Sized",
    "Sync",
];

/// Whether a parameter of the header is a type and no port.
pub fn is_type(param: &TypeParam, signature: &Signature) -> bool {
    let is_port =
        param.bounds.iter().filter_map(name_of_bound).any(|name| name == "Source" || name == "Sink");
    let is_named_so = name_of(&param.ident).starts_with(char::is_uppercase);
    let is_bound = !param.bounds.is_empty() || signature.generics.where_clause.is_some();
    let is_mentioned = || {
        let mut others = signature.generics.params.iter();
        others
            .any(|other| matches!(other, GenericParam::Type(other) if mentions(&other.bounds, &param.ident)))
    };
    is_named_so && !is_port && (is_bound || is_mentioned())
}

/// The type parameters of a header.
pub fn type_parameters(signature: &Signature, ports: &[Port], errors: &Errors) -> Vec<TypeParam> {
    let mut types = Vec::new();
    for param in &signature.generics.params {
        let GenericParam::Type(param) = param else { continue };
        if !is_type(param, signature) {
            continue;
        }
        let name = &param.ident;
        let is_carried =
            ports.iter().any(|port| port.role.as_ref().is_some_and(|(_, record)| mentions(record, name)));
        let of_language = |name: &String| OF_THE_LANGUAGE.contains(&name.as_str());
        let bounds = bounds_of(param, signature);
        if is_carried && bounds.iter().all(of_language) {
            let needless = ["Clone", "Send", "Sized"];
            let others: String = bounds
                .iter()
                .filter(|bound| !needless.contains(&bound.as_str()))
                .map(|bound| format!(" + {bound}"))
                .collect();
            let message =
                format!("a port carries `{name}`, so it is a record: write `{name}: Record{others}`");
            errors.push_and_lose_body(name, message);
        }
        if let Some(default) = &param.default {
            let message =
                format!("the types of a pipeline are known when it is started: delete `= {}`", text(default));
            errors.push_and_lose_body(default, message);
        }
        types.push(TypeParam { eq_token: None, default: None, ..param.clone() });
    }
    if let Some(clause) = signature.generics.where_clause.as_ref().filter(|_| types.is_empty()) {
        errors.push_and_lose_body(
            clause,
            "a pipeline is not generic, so there is nothing to bound: delete the `where` clause",
        );
    }
    types
}

/// The names of all that is asked of a type parameter.
fn bounds_of(param: &TypeParam, signature: &Signature) -> Vec<String> {
    let clause = signature.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let own = clause.filter_map(|predicate| match predicate {
        WherePredicate::Type(predicate) if mentions(&predicate.bounded_ty, &param.ident) => {
            Some(&predicate.bounds)
        }
        _ => None,
    });
    param.bounds.iter().chain(own.flatten()).filter_map(name_of_bound).collect()
}

fn name_of_bound(bound: &TypeParamBound) -> Option<String> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    bound.path.segments.last().map(|last| last.ident.to_token_stream().to_string())
}
