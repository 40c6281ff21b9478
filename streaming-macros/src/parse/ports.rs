//! The ports of a pipeline, in its `<>`, and its values, in its `()`.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, Expr, FnArg, GenericArgument, GenericParam, Lit, Pat, PathArguments, ReturnType, Signature,
    Type, TypeParam, TypeParamBound,
};

use super::{
    Port, Value, Way,
    borrows::{borrowed, lasting},
    type_parameters::is_type,
};
use crate::{
    errors::Errors,
    tokens::{name_of, text},
};

/// The ports.
pub fn ports(signature: &Signature, errors: &Errors) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let mut readable = true;
    for param in &signature.generics.params {
        let form = "what stands in `<>` are ports: `name: Source<T>` or `name: Sink<T>`";
        match param {
            GenericParam::Type(param) if is_type(param, signature) => {}
            GenericParam::Type(param)
                if ports.iter().any(|port| name_of(&port.name) == name_of(&param.ident)) =>
            {
                errors.push_and_lose_body(
                    &param.ident,
                    format!("port `{0}` is declared twice: rename this one", param.ident),
                );
            }
            GenericParam::Type(param) => {
                let docs = docs(&param.attrs, "port", errors);
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
        let message = format!("pipeline `{}` {message}", signature.ident);
        // Without any port the body has no name to begin with.
        match ports.is_empty() {
            true => errors.push_and_lose_body(&signature.ident, message),
            false => errors.push(&signature.ident, message),
        }
    } else if readable
        && !ports.iter().any(|port| port.faces(Way::Sink))
        && matches!(signature.output, ReturnType::Default)
    {
        // What a pipeline returns was to be its sink.
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
        if let Some(ty) = &param.default {
            let message = format!("a port is declared with `:`, as a value is: write `{name}: {}`", text(ty));
            errors.push_and_lose_body(ty, message);
            return None;
        }
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
    let form = match &last.arguments {
        PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => {
            let record = text(&arguments.args);
            format!(
                "write `{name}: Source<{record}>` if records come in, `{name}: Sink<{record}>` if they go out"
            )
        }
        _ => form,
    };
    let way = match last.ident.to_string().as_str() {
        "Source" => Way::Source,
        "Sink" => Way::Sink,
        _ => {
            // Who takes another word for a source takes another for a sink: it is one mistake.
            if !errors.body_lost() {
                errors.push_and_lose_body(
                    bound,
                    format!("port `{name}` is neither a source nor a sink: {form}"),
                );
            }
            return None;
        }
    };
    if let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let (Some(GenericArgument::Type(record)), 1) = (arguments.args.first(), arguments.args.len())
    {
        if let Some((at, message)) = unfit(name, &last.ident, record) {
            errors.push_and_lose_body(at, message);
            return None;
        }
        if let Some(borrowed) = borrowed(record, true) {
            errors.push_and_lose_body(borrowed.at, format!("a record owns its data{}", borrowed.fix));
            return Some((way, lasting(record)));
        }
        return Some((way, record.clone()));
    }
    let kind = &last.ident;
    let records = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
        _ => Vec::new(),
    };
    let are_types =
        records.len() > 1 && records.iter().all(|record| matches!(record, GenericArgument::Type(_)));
    let record = match are_types {
        true => format!("({})", records.iter().map(text).collect::<Vec<_>>().join(", ")),
        false => "T".to_owned(),
    };
    errors.push_and_lose_body(
        bound,
        format!("port `{name}` carries one type of record: write `{name}: {kind}<{record}>`"),
    );
    None
}

/// What cannot be the record of a port whatever it is, and what to write instead.
fn unfit(name: &Ident, kind: &Ident, record: &Type) -> Option<(TokenStream, String)> {
    match record {
        Type::ImplTrait(any) => {
            let bounds = text(&any.bounds);
            let fix = format!(
                "write the type, such as `{name}: {kind}<String>`, or `T: Record + {bounds}` in front of the ports, and `{name}: {kind}<T>`"
            );
            Some((
                any.to_token_stream(),
                format!("a port carries one type, chosen when the pipeline is started: {fix}"),
            ))
        }
        Type::TraitObject(any) => Some((
            any.to_token_stream(),
            "a record is copied and written down, so its type is known: write an `enum` of what there is"
                .to_owned(),
        )),
        Type::Infer(hole) => Some((
            hole.to_token_stream(),
            format!("operators get their types from the ports: write what `{name}` carries instead of `_`"),
        )),
        Type::Array(array) => {
            let Expr::Lit(length) = &array.len else { return None };
            let Lit::Int(length) = &length.lit else { return None };
            let is_long = length.base10_parse::<usize>().is_ok_and(|length| length > 32);
            let vec = format!("Vec<{}>", text(&array.elem));
            let fix = format!(
                "write `{name}: {kind}<{vec}>`, or a type of your own around it with `#[serde(with = \"..\")]`"
            );
            is_long.then(|| {
                (
                    array.to_token_stream(),
                    format!(
                        "a record is read and written by serde, which has arrays of up to 32 items: {fix}"
                    ),
                )
            })
        }
        Type::Slice(slice) => Some((
            slice.to_token_stream(),
            format!("a record owns its data: write `Vec<{}>`", text(&slice.elem)),
        )),
        Type::Path(path) if path.path.is_ident("str") => {
            Some((path.to_token_stream(), "a record owns its data: write `String` for `str`".to_owned()))
        }
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            let for_ever = arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Lifetime(lifetime) if lifetime.ident == "static" && last.ident != "Cow" => {
                    Some(lifetime)
                }
                _ => None,
            });
            if let Some(lifetime) = for_ever {
                let fix = format!(
                    "give `{0}` fields that own their data, and no lifetime; if they do, write `type Owned = {0}<'static>;` and `{name}: {kind}<Owned>`",
                    last.ident
                );
                let message = format!(
                    "a record is read from a checkpoint, and nothing there lives for `'static`: {fix}"
                );
                return Some((lifetime.to_token_stream(), message));
            }
            // Behind a pointer a `str` is as good as a `String`.
            let is_sized =
                |ty: &&Type| !matches!(ty, Type::Slice(_) | Type::TraitObject(_)) && text(ty) != "str";
            let types = arguments.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            });
            types.filter(is_sized).find_map(|ty| unfit(name, kind, ty))
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|ty| unfit(name, kind, ty)),
        Type::Paren(paren) => unfit(name, kind, &paren.elem),
        _ => None,
    }
}

/// The documentation of a port or a value; any other attribute has no meaning there.
fn docs(attrs: &[Attribute], of: &str, errors: &Errors) -> Vec<Attribute> {
    let (docs, others): (Vec<_>, Vec<_>) =
        attrs.iter().cloned().partition(|attr| attr.path().is_ident("doc"));
    for other in others.iter().filter(|attr| !attr.path().is_ident("cfg")) {
        let name = text(other.path());
        errors.push(
            other,
            format!(
                "`{name}` means nothing on a {of}: delete it; what has a meaning there is `cfg`, and `///`"
            ),
        );
    }
    docs
}

/// The values.
pub fn values(signature: &Signature, ports: &[Port], errors: &Errors) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut is_said = false;
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
        docs(&argument.attrs, "value", errors);
        if let Some(way) = port_type(input) {
            let (name, ty) = (text(&argument.pat), text(&argument.ty));
            let all: Vec<String> = signature
                .inputs
                .iter()
                .filter(|input| port_type(input).is_some())
                .filter_map(declared)
                .collect();
            let form = match all.len() {
                1 => format!("`fn {}<{name}: {ty}>(..)`", signature.ident),
                _ => format!("`fn {}<{}>(..)`", signature.ident, all.join(", ")),
            };
            let message =
                format!("`{way}` says that `{name}` is a port, and ports stand in the `<>`: write {form}");
            // It is one mistake, however many ports stand there.
            if !std::mem::replace(&mut is_said, true) {
                errors.push_and_lose_body(&argument.ty, message);
            }
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
        if let Type::ImplTrait(any) = &*argument.ty {
            let bounds = text(&any.bounds);
            let message = format!(
                "a value has one type, chosen when the pipeline is started: write `F: {bounds} + Clone + Send + 'static` in front of the ports, and `{name}: F`"
            );
            errors.push_and_lose_body(any, message);
            continue;
        }
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

/// A typed argument as a person would write it.
fn declared(input: &FnArg) -> Option<String> {
    let FnArg::Typed(argument) = input else { return None };
    Some(format!("{}: {}", text(&argument.pat), text(&argument.ty)))
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
