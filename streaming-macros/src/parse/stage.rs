//! The header of a stage: that of a function from streams to streams.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    FnArg, GenericArgument, GenericParam, Pat, PatType, PathArguments, PathSegment, ReturnType, Signature,
    Type, TypeParamBound, parse_quote, visit_mut::VisitMut,
};

use super::{Input, Item, Port, Value, Way, declared};
use crate::{errors::Errors, tokens::text};

/// Reads the header of a stage and gathers its mistakes; the header itself is emitted as it is.
pub fn stage(input: Input, errors: &Errors) -> (Item, Signature) {
    let Input { runtime, attrs, vis, mut signature, braces, body, mistakes, assumed } = input;
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
    // What was reported is not reported again by code that calls the stage.
    (signature.constness, signature.asyncness) = (None, None);
    streams_are_given_away(&mut signature, errors);
    one_lifetime(&mut signature, errors);
    with_ports(&mut signature, &runtime, errors);
    sinks_are_borrowed(&mut signature, errors);
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

/// A header that is written as a pipeline's is: its ports are what a stage takes and returns.
fn with_ports(signature: &mut Signature, runtime: &TokenStream, errors: &Errors) {
    let (mut takes, mut lowered) = (Vec::new(), Vec::new());
    let mut first = None;
    for param in &signature.generics.params {
        let GenericParam::Type(param) = param else { continue };
        let Some(TypeParamBound::Trait(bound)) = param.bounds.first() else { continue };
        let Some((way, record)) = bound.path.segments.last().and_then(carried) else { continue };
        let name = &param.ident;
        let (written, made) = match way {
            Way::Source => {
                (format!("{name}: Stream<'s, {}>", text(&record)), quote!(#runtime::Stream<'s, #record>))
            }
            Way::Sink => (
                format!("{name}: &SinkPort<'s, {}>", text(&record)),
                quote!(&#runtime::SinkPort<'s, #record>),
            ),
        };
        takes.push(written);
        lowered.push(FnArg::Typed(PatType {
            attrs: Vec::new(),
            pat: Box::new(parse_quote!(#name)),
            colon_token: Default::default(),
            ty: Box::new(Type::Verbatim(made)),
        }));
        first.get_or_insert_with(|| bound.to_token_stream());
    }
    let Some(first) = first else { return };
    let returned = match &signature.output {
        ReturnType::Type(_, ty) => match &**ty {
            Type::Path(path) => path.path.segments.last().and_then(carried).map(|(_, record)| record),
            _ => None,
        },
        ReturnType::Default => None,
    };
    let returns = returned.as_ref().map_or("T".to_owned(), text);
    let name = &signature.ident;
    errors.push_and_lose_body(
        first,
        format!(
            "a stage has no ports, it takes streams and returns one: write `fn {name}<'s>({}) -> Stream<'s, {returns}>`",
            takes.join(", ")
        ),
    );
    signature.generics = parse_quote!(<'s>);
    signature.inputs = lowered.into_iter().chain(std::mem::take(&mut signature.inputs)).collect();
    let output = returned
        .map_or_else(|| quote!(#runtime::Stream<'s, ()>), |record| quote!(#runtime::Stream<'s, #record>));
    signature.output = ReturnType::Type(Default::default(), Box::new(Type::Verbatim(output)));
}

/// What `Source<T>` or `Sink<T>` carries.
fn carried(last: &PathSegment) -> Option<(Way, Type)> {
    let way = match last.ident.to_string().as_str() {
        "Source" => Way::Source,
        "Sink" => Way::Sink,
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(record) => Some((way, record.clone())),
        _ => None,
    })
}

/// Streams that are put together live in one pipeline, and so have one lifetime, which has a name.
fn one_lifetime(signature: &mut Signature, errors: &Errors) {
    #[derive(Default)]
    struct Nameless(usize);
    impl VisitMut for Nameless {
        fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
            let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return };
            let has_none =
                !arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_)));
            if has_none && (segment.ident == "Stream" || segment.ident == "SinkPort") {
                self.0 += 1;
                arguments.args.insert(0, parse_quote!('s));
            }
        }
    }
    let mut named = signature.clone();
    let (mut taken, mut returned) = (Nameless::default(), Nameless::default());
    named.inputs.iter_mut().for_each(|input| taken.visit_fn_arg_mut(input));
    returned.visit_return_type_mut(&mut named.output);
    if taken.0 < 2 || returned.0 == 0 || signature.generics.lifetimes().next().is_some() {
        return;
    }
    named.generics.params.insert(0, parse_quote!('s));
    let (inputs, output) = (text(&named.inputs), text(&named.output));
    let message = format!(
        "the streams of a stage live as long as each other, and that has a name: write `fn {}<'s>({inputs}) {output}`",
        named.ident
    );
    errors.push_and_lose_body(&signature.output, message);
    *signature = named;
}

/// A stream is given away; it may be named again where it comes from.
fn streams_are_given_away(signature: &mut Signature, errors: &Errors) {
    for input in &mut signature.inputs {
        let FnArg::Typed(argument) = input else { continue };
        let Type::Reference(reference) = &*argument.ty else { continue };
        if record_of(&reference.elem).is_some() {
            let (name, ty) = (text(&argument.pat), text(&reference.elem));
            let message = format!(
                "a stage is given its streams, and they may be named again where it is called: write `{name}: {ty}`"
            );
            errors.push_and_lose_body(reference, message);
            argument.ty = reference.elem.clone();
        }
    }
}

/// A sink belongs to the pipeline, and a stage borrows it.
fn sinks_are_borrowed(signature: &mut Signature, errors: &Errors) {
    for input in &mut signature.inputs {
        let FnArg::Typed(argument) = input else { continue };
        let Type::Path(path) = &*argument.ty else { continue };
        if path.path.segments.last().is_some_and(|last| last.ident == "SinkPort") {
            let (name, ty) = (text(&argument.pat), text(&argument.ty));
            let message =
                format!("a sink belongs to the pipeline, and a stage borrows it: write `{name}: &{ty}`");
            errors.push_and_lose_body(&argument.ty, message);
            let ty = &argument.ty;
            *argument.ty = parse_quote!(&#ty);
        }
    }
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
