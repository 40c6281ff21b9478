//! The header of a pipeline: `[attrs] [vis] fn name<port: Source<T>, port: Sink<T>>(value: Type) { body }`.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Error, Expr, GenericArgument, Meta, PathArguments, Signature, Type};

use super::{Input, Item, declared, ports, type_parameters::type_parameters, ungrouped};
use crate::{
    durations::{Length, fraction, meant, no_length, of_text},
    errors::Errors,
    tokens::text,
};

/// Reads the header of a pipeline and gathers its mistakes.
pub fn pipeline(input: Input, errors: &Errors) -> Item {
    let Input { runtime, mut attrs, vis, signature, braces, body, mistakes, assumed } = input;
    mistakes.into_iter().for_each(|mistake| errors.adopt(mistake));
    let batch = batch(&mut attrs, &signature.ident, errors);
    no_qualifiers(&signature, errors);
    let ports = ports::ports(&signature, errors);
    let values = ports::values(&signature, &ports, errors);
    let types = type_parameters(&signature, &ports, errors);
    let declared = declared(&signature);
    let (name, clause) = (signature.ident, signature.generics.where_clause);
    Item {
        runtime,
        attrs,
        vis,
        name,
        batch,
        types,
        clause,
        ports,
        values,
        declared,
        braces,
        body,
        assumed,
        is_stage: false,
    }
}

/// `#[batch(secs(1))]`: without it no window has a size.
fn batch(attrs: &mut Vec<Attribute>, name: &Ident, errors: &Errors) -> Option<u64> {
    let is_batch = |attr: &Attribute| attr.path().is_ident("batch");
    let found: Vec<_> = attrs.iter().filter(|attr| is_batch(attr)).cloned().collect();
    attrs.retain(|attr| !is_batch(attr));
    let misspelt = attrs.iter().position(|attr| {
        let interval = attr.parse_args::<Expr>().ok();
        interval.is_some_and(|interval| Length::read(&ungrouped(interval)).is_some())
    });
    if let (None, Some(misspelt)) = (found.first(), misspelt) {
        let attr = attrs.remove(misspelt);
        let written = attr.meta.require_list().map(|list| list.tokens.to_string().replace(' ', ""));
        let written = written.unwrap_or_else(|_| "secs(1)".to_owned());
        let message =
            format!("`{}` is no attribute of a pipeline: write `#[batch({written})]`", text(attr.path()));
        errors.push(attr.path(), message);
        return attr
            .parse_args::<Expr>()
            .ok()
            .and_then(|interval| Length::read(&interval))
            .map(|length| length.millis);
    }
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
    let interval = match interval(first) {
        Ok(interval) => ungrouped(interval),
        Err(right) => {
            errors.push(first, format!("this batch interval cannot be read: {}", written_out(right)));
            return None;
        }
    };
    match Length::read(&interval) {
        Some(length) if length.millis > 0 => Some(length.millis),
        Some(_) => {
            errors.push(interval, "a batch of no length never ends: write at least `#[batch(millis(1))]`");
            None
        }
        None => {
            if let Some((millis, right)) = fraction(&interval) {
                errors.push(&interval, format!("durations are whole numbers of their unit: write `{right}`"));
                return Some(millis);
            }
            let right = meant(&interval).or_else(|| no_length(&interval));
            let why = match right {
                Some(_) if !matches!(interval, Expr::Binary(_)) => {
                    "a batch interval is a duration of the prelude"
                }
                _ => "the batch interval is part of the program, so it must be a literal",
            };
            errors.push(interval, format!("{why}: {}", written_out(right)));
            None
        }
    }
}

/// How a batch interval is written, with the one that is meant if that can be told.
fn written_out(right: Option<String>) -> String {
    match right {
        Some(right) => format!("write `#[batch({right})]`"),
        None => "write the interval out: `#[batch(secs(1))]`, or another number of `millis(..)`, `secs(..)`, `minutes(..)` or `hours(..)`".to_owned(),
    }
}

/// The interval between the parentheses, or what it would be if it stood there.
fn interval(attr: &Attribute) -> Result<Expr, Option<String>> {
    if let Ok(interval) = attr.parse_args::<Expr>() {
        // `#[batch(every = secs(1))]`
        return match interval {
            Expr::Assign(assign) => Err(as_written(&assign.right)),
            interval => Ok(interval),
        };
    }
    match &attr.meta {
        Meta::NameValue(named) => Err(as_written(&named.value)),
        // `#[batch(1 second)]`
        Meta::List(list) => Err(of_text(&list.tokens.to_string())),
        Meta::Path(_) => Err(None),
    }
}

fn as_written(interval: &Expr) -> Option<String> {
    Length::read(interval).map(|_| text(interval)).or_else(|| meant(interval)).or_else(|| no_length(interval))
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
        let record = carried(ty).unwrap_or_else(|| "T".to_owned());
        let message = format!(
            "a pipeline returns nothing: declare a port `out: Sink<{record}>` in the `<>` and end a stream with `.to(out)`"
        );
        errors.push(
            arrow.into_token_stream().into_iter().chain(ty.into_token_stream()).collect::<TokenStream>(),
            message,
        );
    }
}

/// What a stream or a sink of that type carries.
fn carried(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let record = arguments.args.iter().find(|argument| matches!(argument, GenericArgument::Type(_)))?;
    ["Stream", "Sink", "SinkPort"].iter().any(|known| last.ident == known).then(|| text(record))
}

/// `#[batch]` in front of something: an error there, and the item with its interval where that belongs.
pub fn misplaced_batch(interval: TokenStream, item: TokenStream) -> TokenStream {
    let message = "the batch interval belongs to the pipeline: write `#[batch(..)]` inside of `stream!( .. )`, above its `fn`";
    let error = Error::new(Span::call_site(), message).to_compile_error();
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let is_macro =
        tokens.iter().any(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '!'));
    if let Some(TokenTree::Group(group)) =
        tokens.iter_mut().rfind(|token| is_macro && matches!(token, TokenTree::Group(_)))
    {
        let inside = group.stream();
        let mut moved = Group::new(group.delimiter(), quote!(#[batch(#interval)] #inside));
        moved.set_span(group.span());
        *group = moved;
    }
    error.into_iter().chain(tokens).collect()
}
