//! The header of a stage: that of a function from streams to streams.

use quote::ToTokens;
use syn::{FnArg, GenericArgument, Pat, PathArguments, ReturnType, Signature, Type};

use super::{Input, Item, Port, Value, Way, declared};
use crate::errors::Errors;

/// Reads the header of a stage and gathers its mistakes; the header itself is emitted as it is.
pub fn stage(input: Input, errors: &Errors) -> (Item, Signature) {
    let Input { runtime, attrs, vis, signature, braces, body, mistakes, assumed } = input;
    mistakes.into_iter().for_each(|mistake| errors.adopt(mistake));
    let name = signature.ident.clone();
    let qualifiers = [
        signature.constness.map(ToTokens::into_token_stream),
        signature.asyncness.map(ToTokens::into_token_stream),
        signature.unsafety.map(ToTokens::into_token_stream),
        signature.abi.clone().map(ToTokens::into_token_stream),
    ];
    for keyword in qualifiers.into_iter().flatten() {
        let message = format!("a stage is called while its pipeline is put together: delete `{keyword}`");
        errors.push_and_lose_body(keyword, message);
    }
    let (ports, values) = parameters(&signature, errors);
    if matches!(signature.output, ReturnType::Default) {
        let message = format!(
            "stage `{name}` returns nothing: write `-> Stream<'s, T>`, what it makes, behind its `()`"
        );
        errors.push_and_lose_body(&name, message);
    }
    let item = Item {
        runtime,
        attrs,
        vis,
        name,
        batch: None,
        // Its header is emitted as it is, with all that it says of types.
        types: Vec::new(),
        clause: None,
        ports,
        values,
        declared: declared(&signature),
        braces,
        body,
        assumed,
        is_stage: true,
    };
    (item, signature)
}

/// The streams and the values that a stage takes.
fn parameters(signature: &Signature, errors: &Errors) -> (Vec<Port>, Vec<Value>) {
    let (mut ports, mut values) = (Vec::new(), Vec::new());
    for input in &signature.inputs {
        let argument = match input {
            FnArg::Typed(argument) => argument,
            FnArg::Receiver(receiver) => {
                let message = "a stage is a function, whose name its pipelines know: take `stream: Stream<'s, T>`, and let a method call it";
                errors.push_and_lose_body(receiver, message);
                continue;
            }
        };
        let record = record_of(&argument.ty);
        let Pat::Ident(pattern) = &*argument.pat else {
            if record.is_some() {
                errors.push_and_lose_body(&argument.pat, "give this stream a name, `name: Stream<'s, T>`");
            }
            continue;
        };
        let (name, mutability) = (pattern.ident.clone(), pattern.mutability);
        match record {
            Some(record) => ports.push(Port { name, docs: Vec::new(), role: Some((Way::Source, record)) }),
            None => values.push(Value { name, mutability, ty: (*argument.ty).clone() }),
        }
    }
    if ports.is_empty() && errors.is_empty() {
        let message =
            "takes no stream, by whose call it would know its ids: write `stream: Stream<'s, T>` in its `()`";
        errors.push_and_lose_body(&signature.ident, format!("stage `{}` {message}", signature.ident));
    }
    (ports, values)
}

/// What a stream carries, if the type is one of a stream.
fn record_of(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Stream")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(record) => Some(record.clone()),
        _ => None,
    })
}
