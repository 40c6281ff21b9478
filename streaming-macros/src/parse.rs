//! Reads the header: `[attrs] [vis] fn name<port: Source<T>, port: Sink<T>>(value: Type) { body }`.
//!
//! Each mistake is one error at the author's own token. What can still be read is kept, so that code that
//! names the pipeline does not fail as well.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, GenericParam, Generics, Pat, PathArguments, Signature,
    Token, Type, TypeParam, TypeParamBound, Visibility,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token::{Brace, Paren},
};

use crate::{
    errors::Errors,
    owned::{borrowed, lasting},
    time::Length,
    tolerant::name_of,
};

/// The item as syn reads it, behind the path of the runtime.
pub struct Input {
    /// The runtime crate as the caller names it: `$crate` is no path that syn can read, so it stays opaque.
    runtime: TokenStream,
    attrs: Vec<Attribute>,
    vis: Visibility,
    signature: Signature,
    braces: Brace,
    body: TokenStream,
    /// What is missing or too much around the header; the rest was read all the same.
    mistakes: Vec<Error>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let prefix;
        syn::parenthesized!(prefix in input);
        let runtime = prefix.parse()?;
        let form = "write one pipeline: `#[batch(secs(1))] fn name<port: Source<T>, port: Sink<T>>() { .. }`";
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), form));
        }
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let qualifiers = [
            input.peek(Token![const]),
            input.peek(Token![async]),
            input.peek(Token![unsafe]),
            input.peek(Token![extern]),
        ];
        if !input.peek(Token![fn]) && !qualifiers.contains(&true) {
            return Err(input.error(form));
        }
        let mut mistakes = Vec::new();
        let signature = signature(input, &mut mistakes)?;
        let (braces, body) = match input.peek(Brace) {
            true => {
                let content;
                (syn::braced!(content in input), content.parse()?)
            }
            false => {
                mistakes.push(input.error("a pipeline has a body: write `{ .. }` behind its header"));
                input.parse::<Option<Token![;]>>()?;
                (Brace::default(), TokenStream::new())
            }
        };
        if !input.is_empty() && mistakes.is_empty() {
            let message = "a `stream!` holds one pipeline: give what follows a `stream!` of its own";
            mistakes.push(input.error(message));
        }
        input.parse::<TokenStream>()?;
        Ok(Input { runtime, attrs, vis, signature, braces, body, mistakes })
    }
}

/// As syn reads it, but for the `()` of the values, which are easily forgotten behind the `<>`.
fn signature(input: ParseStream<'_>, mistakes: &mut Vec<Error>) -> syn::Result<Signature> {
    let (constness, asyncness, unsafety, abi) =
        (input.parse()?, input.parse()?, input.parse()?, input.parse()?);
    let (fn_token, ident): (_, Ident) = (input.parse()?, input.parse()?);
    let mut generics: Generics = input.parse()?;
    let (paren_token, inputs) = match input.peek(Paren) {
        true => {
            let content;
            (syn::parenthesized!(content in input), content.parse_terminated(FnArg::parse, Token![,])?)
        }
        false => {
            let message = format!("run-time values stand in `()` behind the ports: write `fn {ident}<..>()`");
            mistakes.push(input.error(message));
            (Paren::default(), Punctuated::new())
        }
    };
    let output = input.parse()?;
    generics.where_clause = input.parse()?;
    let variadic = None;
    Ok(Signature {
        constness,
        asyncness,
        unsafety,
        abi,
        fn_token,
        ident,
        generics,
        paren_token,
        inputs,
        variadic,
        output,
    })
}

/// Which way a port faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Records come in.
    Source,
    /// Records go out.
    Sink,
}

/// A port of the header.
pub struct Port {
    /// Its name.
    pub name: Ident,
    /// What its author wrote about it.
    pub docs: Vec<Attribute>,
    /// Which way it faces and what it carries; `None` when the header does not say.
    pub role: Option<(Way, Type)>,
}

impl Port {
    /// Whether the port is known to face that way.
    pub fn faces(&self, way: Way) -> bool {
        matches!(&self.role, Some((own, _)) if *own == way)
    }
}

/// A run-time value of the header.
pub struct Value {
    /// Its name.
    pub name: Ident,
    /// `mut`, if the body changes its copy.
    pub mutability: Option<Token![mut]>,
    /// Its type.
    pub ty: Type,
}

/// A header that was read.
pub struct Item {
    /// The runtime crate, as an opaque path prefix.
    pub runtime: TokenStream,
    /// Documentation and other attributes, without `#[batch]`.
    pub attrs: Vec<Attribute>,
    /// Who may name the pipeline.
    pub vis: Visibility,
    /// The pipeline's name.
    pub name: Ident,
    /// The batch interval in milliseconds, when the header says it.
    pub batch: Option<u64>,
    /// The ports, in the order of the header.
    pub ports: Vec<Port>,
    /// The values, in the order of the header.
    pub values: Vec<Value>,
    /// The braces around the body: rustc names them when a statement is cut off by the end.
    pub braces: Brace,
    /// What stands between the braces.
    pub body: TokenStream,
    /// Whether it is a stage, whose ports are the streams that it takes.
    pub is_stage: bool,
}

impl Item {
    /// Reads the header and gathers its mistakes.
    pub fn new(input: Input, errors: &Errors) -> Self {
        let Input { runtime, mut attrs, vis, signature, braces, body, mistakes } = input;
        mistakes.into_iter().for_each(|mistake| errors.adopt(mistake));
        let batch = batch(&mut attrs, &signature.ident, errors);
        no_qualifiers(&signature, errors);
        let ports = ports(&signature, errors);
        let values = values(&signature, &ports, errors);
        let name = signature.ident;
        Item { runtime, attrs, vis, name, batch, ports, values, braces, body, is_stage: false }
    }
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

fn ports(signature: &Signature, errors: &Errors) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let mut readable = true;
    for param in &signature.generics.params {
        let form = "what stands in `<>` are ports: `name: Source<T>` or `name: Sink<T>`";
        match param {
            GenericParam::Type(param)
                if ports.iter().any(|port| name_of(&port.name) == name_of(&param.ident)) =>
            {
                errors.push_and_lose_body(
                    &param.ident,
                    format!("port `{0}` is declared twice: rename this one", param.ident),
                );
            }
            GenericParam::Type(param) => {
                let docs = param.attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect();
                let role = role(param, errors);
                readable &= role.is_some();
                ports.push(Port { name: param.ident.clone(), docs, role });
            }
            GenericParam::Lifetime(param) => {
                readable = false;
                errors.push_and_lose_body(
                    param,
                    format!("a pipeline owns its records, so it has no lifetimes: {form}"),
                );
            }
            GenericParam::Const(param) => {
                readable = false;
                errors.push_and_lose_body(
                    param,
                    format!(
                        "a pipeline has no constants of its own: put `{0}: {1}` into the `()`",
                        param.ident,
                        text(&param.ty)
                    ),
                );
            }
        }
    }
    // A port that could not be read, or stands in the wrong place, may be the one that seems to be missing.
    let readable = readable && !signature.inputs.iter().any(|input| port_type(input).is_some());
    if readable && !ports.iter().any(|port| port.faces(Way::Source)) {
        let message =
            "has no source, so nothing ever happens in it: declare a port `name: Source<T>` in its `<>`";
        errors.push(&signature.ident, format!("pipeline `{}` {message}", signature.ident));
    } else if readable && !ports.iter().any(|port| port.faces(Way::Sink)) {
        let message =
            "a pipeline without a sink has nothing to do: declare a port `name: Sink<T>` in the `<>` of";
        errors.push(&signature.ident, format!("{message} `{}`", signature.ident));
    }
    ports
}

fn role(param: &TypeParam, errors: &Errors) -> Option<(Way, Type)> {
    let name = &param.ident;
    let form = format!("write `{name}: Source<T>` or `{name}: Sink<T>`");
    let mut bounds = param.bounds.iter();
    let Some(bound) = bounds.next() else {
        errors.push_and_lose_body(
            name,
            format!("port `{name}` says neither where it leads nor what it carries: {form}"),
        );
        return None;
    };
    if let Some(second) = bounds.next() {
        errors
            .push_and_lose_body(second, format!("port `{name}` is one thing only: {form}, and delete this"));
        return None;
    }
    if let Some(default) = &param.default {
        errors.push_and_lose_body(
            default,
            format!("a port has no default, it is wired when the job starts: {form}"),
        );
        return None;
    }
    let TypeParamBound::Trait(bound_trait) = bound else {
        errors.push_and_lose_body(bound, format!("port `{name}` is neither a source nor a sink: {form}"));
        return None;
    };
    let last = bound_trait.path.segments.last().expect("a path has a segment");
    let way = match last.ident.to_string().as_str() {
        "Source" => Way::Source,
        "Sink" => Way::Sink,
        _ => {
            errors.push_and_lose_body(bound, format!("port `{name}` is neither a source nor a sink: {form}"));
            return None;
        }
    };
    if let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let (Some(GenericArgument::Type(record)), 1) = (arguments.args.first(), arguments.args.len())
    {
        if let Some(borrowed) = borrowed(record, true) {
            errors.push_and_lose_body(borrowed.at, format!("a record owns its data{}", borrowed.fix));
            return Some((way, lasting(record)));
        }
        return Some((way, record.clone()));
    }
    let kind = &last.ident;
    errors.push_and_lose_body(
        bound,
        format!("port `{name}` carries one type of record: write `{name}: {kind}<T>`"),
    );
    None
}

fn values(signature: &Signature, ports: &[Port], errors: &Errors) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for input in &signature.inputs {
        let argument = match input {
            FnArg::Typed(argument) => argument,
            FnArg::Receiver(receiver) => {
                errors.push_and_lose_body(
                    receiver,
                    "a pipeline belongs to no value: pass what it needs as `name: Type`",
                );
                continue;
            }
        };
        if let Some(way) = port_type(input) {
            let (name, ty) = (text(&argument.pat), text(&argument.ty));
            let form = format!("`fn {}<{name}: {ty}>(..)`", signature.ident);
            let message =
                format!("`{way}` says that `{name}` is a port, and ports stand in the `<>`: write {form}");
            errors.push_and_lose_body(&argument.ty, message);
            // The body may use the name, and no type of a value stands here.
            continue;
        }
        let Pat::Ident(pattern) = &*argument.pat else {
            let message = "give this value a name, `name: Type`, and take it apart in the body";
            errors.push_and_lose_body(&argument.pat, message);
            continue;
        };
        if pattern.by_ref.is_some() || pattern.subpat.is_some() {
            errors.push_and_lose_body(pattern, format!("write this value as `{}: Type`", pattern.ident));
            continue;
        }
        let name = &pattern.ident;
        let mut ty = (*argument.ty).clone();
        if let Some(borrowed) = borrowed(&ty, false) {
            let message = format!("a value outlives whoever starts the pipeline{}", borrowed.fix);
            errors.push_and_lose_body(borrowed.at, message);
            ty = lasting(&ty);
        }
        let is_named = |other: &Ident| name_of(other) == name_of(name);
        if ports.iter().any(|port| is_named(&port.name)) {
            errors.push_and_lose_body(name, format!("`{name}` is a port already: rename this value"));
        } else if values.iter().any(|value| is_named(&value.name)) {
            errors.push_and_lose_body(name, format!("value `{name}` is declared twice: rename this one"));
        } else {
            values.push(Value { name: name.clone(), mutability: pattern.mutability, ty });
        }
    }
    values
}

/// The kind of port that an argument's type says, if it says one.
fn port_type(input: &FnArg) -> Option<String> {
    let FnArg::Typed(argument) = input else { return None };
    let Type::Path(path) = &*argument.ty else { return None };
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    let is_port = name == "Source" || name == "Sink";
    (is_port && !last.arguments.is_none()).then_some(name)
}

/// Tokens as a person would write them, for messages and for the plan.
pub fn text(tokens: &impl ToTokens) -> String {
    let mut out = String::new();
    let spaced = tokens.to_token_stream().to_string();
    let mut words = spaced.split_whitespace().peekable();
    while let Some(word) = words.next() {
        out += word;
        let Some(next) = words.peek() else { break };
        let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '\'');
        let both_names = is_name(word.chars().last()) && is_name(next.chars().next());
        let spreads = |word: &str| ["->", "=>", "+", "="].contains(&word);
        let lifetime = word.starts_with('\'') && next.starts_with(['[', '(', '&']);
        if both_names || lifetime || word.ends_with([',', ';']) || spreads(word) || spreads(next) {
            out.push(' ');
        }
    }
    out
}
