//! The header of a pipeline: `[attrs] [vis] fn name<port: Source<T>, port: Sink<T>>(value: Type) { body }`.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Expr, Signature};

use super::{Input, Item, ports};
use crate::{durations::Length, errors::Errors};

/// Reads the header of a pipeline and gathers its mistakes.
pub fn pipeline(input: Input, errors: &Errors) -> Item {
    let Input { runtime, mut attrs, vis, signature, braces, body, mistakes } = input;
    mistakes.into_iter().for_each(|mistake| errors.adopt(mistake));
    let batch = batch(&mut attrs, &signature.ident, errors);
    no_qualifiers(&signature, errors);
    let ports = ports::ports(&signature, errors);
    let values = ports::values(&signature, &ports, errors);
    let name = signature.ident;
    Item { runtime, attrs, vis, name, batch, ports, values, braces, body, is_stage: false }
}

/// `#[batch(secs(1))]`: without it no window has a size.
fn batch(attrs: &mut Vec<Attribute>, name: &Ident, errors: &Errors) -> Option<u64> {
    let is_batch = |attr: &Attribute| attr.path().is_ident("batch");
    let found: Vec<_> = attrs.iter().filter(|attr| is_batch(attr)).cloned().collect();
    attrs.retain(|attr| !is_batch(attr));
    let Some(first) = found.first() else {
        errors.push(
            name,
            format!("pipeline `{name}` has no batch interval: write `#[batch(secs(1))]` above it"),
        );
        return None;
    };
    if let Some(second) = found.get(1) {
        errors.push(second, "a pipeline has one batch interval: delete this one");
    }
    let fix = "write the interval out: `#[batch(millis(100))]`, `secs(1)`, `minutes(1)` or `hours(1)`";
    let Ok(interval) = first.parse_args::<Expr>() else {
        errors.push(first, format!("this batch interval cannot be read: {fix}"));
        return None;
    };
    match Length::read(&interval) {
        Some(length) if length.millis > 0 => Some(length.millis),
        Some(_) => {
            errors.push(interval, "a batch of no length never ends: write at least `#[batch(millis(1))]`");
            None
        }
        None => {
            errors.push(
                interval,
                format!("the batch interval is part of the program, so it must be a literal: {fix}"),
            );
            None
        }
    }
}

/// A pipeline is wired once and then runs: nothing that qualifies a call has a meaning.
fn no_qualifiers(signature: &Signature, errors: &Errors) {
    if let Some(keyword) = &signature.constness {
        errors.push(keyword, "a pipeline is not called, it is started: delete `const`");
    }
    if let Some(keyword) = &signature.asyncness {
        errors.push(
            keyword,
            "a pipeline runs on the engine's own workers: delete `async`, and await the job instead",
        );
    }
    if let Some(keyword) = &signature.unsafety {
        errors.push(keyword, "a pipeline is not called, it is started: delete `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        errors.push(abi, "a pipeline is not called, it is started: delete `extern`");
    }
    if let syn::ReturnType::Type(arrow, ty) = &signature.output {
        let message =
            "a pipeline returns nothing: declare a port `name: Sink<T>` and end a stream with `.to(name)`";
        errors.push(
            arrow.into_token_stream().into_iter().chain(ty.into_token_stream()).collect::<TokenStream>(),
            message,
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.push(
            clause,
            "a pipeline is not generic, so there is nothing to bound: delete the `where` clause",
        );
    }
}
