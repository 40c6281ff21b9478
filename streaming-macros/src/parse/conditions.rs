//! Ports and values that a program may not have, by `#[cfg(..)]`.
//!
//! A macro does not know which conditions hold. So an item is written once for each case, under the condition of that case: all
//! that is said of it, such as its plan, is then that of the program that is compiled.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, FnArg, GenericParam, parse_quote};

use super::Input;

/// More conditions than this make more cases than anyone means.
const MOST: usize = 3;

/// An item in each of its cases: one, if no port and no value has a condition.
pub fn cases(input: Input) -> Vec<Input> {
    let mut conditions: Vec<TokenStream> = Vec::new();
    let mut note = |attrs: &[Attribute]| {
        for condition in attrs.iter().filter_map(condition) {
            if !conditions.iter().any(|known| known.to_string() == condition.to_string()) {
                conditions.push(condition);
            }
        }
    };
    input.signature.generics.params.iter().for_each(|param| note(attrs_of(param)));
    input.signature.inputs.iter().for_each(|value| note(attrs_of_value(value)));
    if conditions.len() > MOST {
        let message =
            format!("a pipeline has at most {MOST} conditions: put the `cfg` on the whole `stream!`");
        let mut input = input;
        input.mistakes.push(syn::Error::new_spanned(&conditions[MOST], message));
        return vec![input];
    }
    let case = |number: usize| {
        let assumed = conditions.iter().enumerate().map(|(at, condition)| (condition, number >> at & 1 == 0));
        let assumed: Vec<(&TokenStream, bool)> = assumed.collect();
        of_case(input.clone(), &assumed)
    };
    (0..1 << conditions.len()).map(case).collect()
}

/// The item where these conditions hold, or do not.
fn of_case(mut input: Input, assumed: &[(&TokenStream, bool)]) -> Input {
    let holds = |attrs: &[Attribute]| {
        attrs
            .iter()
            .filter_map(condition)
            .all(|own| assumed.iter().all(|(known, holds)| *holds || known.to_string() != own.to_string()))
    };
    let generics = &mut input.signature.generics;
    generics.params =
        std::mem::take(&mut generics.params).into_iter().filter(|param| holds(attrs_of(param))).collect();
    let values = std::mem::take(&mut input.signature.inputs);
    input.signature.inputs = values.into_iter().filter(|value| holds(attrs_of_value(value))).collect();
    for (condition, holds) in assumed {
        let attr: Attribute = match holds {
            true => parse_quote!(#[cfg(#condition)]),
            false => parse_quote!(#[cfg(not(#condition))]),
        };
        input.attrs.push(attr);
    }
    input.assumed = assumed.iter().map(|(condition, holds)| (condition.to_string(), *holds)).collect();
    input
}

/// What a `cfg` asks.
pub fn condition(attr: &Attribute) -> Option<TokenStream> {
    let list = attr.meta.require_list().ok()?;
    list.path.is_ident("cfg").then(|| list.tokens.to_token_stream())
}

fn attrs_of(param: &GenericParam) -> &[Attribute] {
    match param {
        GenericParam::Type(param) => &param.attrs,
        GenericParam::Lifetime(param) => &param.attrs,
        GenericParam::Const(param) => &param.attrs,
    }
}

fn attrs_of_value(value: &FnArg) -> &[Attribute] {
    match value {
        FnArg::Typed(value) => &value.attrs,
        FnArg::Receiver(receiver) => &receiver.attrs,
    }
}
