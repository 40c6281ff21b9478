//! `stage!`: a function from streams to streams that the macros can see into.
//!
//! Its body is read and lowered as a pipeline's is. What differs: ids are made where it is called, of the id of that call and
//! the place in here; its streams come as parameters and leave as its value; and beside the function stands what a
//! pipeline must know of it to have its operators in its plan, see `calls`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Error, FnArg, GenericArgument, Pat, PathArguments, ReturnType, Signature, Token, Type,
    Visibility,
    parse::{Parse, ParseStream},
    spanned::Spanned,
    token::Brace,
};

use crate::{
    calls,
    emit::located,
    errors::Errors,
    graph::Graph,
    lower::STAGE,
    parse::{Item, Port, Value, Way},
    tolerant::name_of,
};

/// A stage as syn reads it, behind the path of the runtime.
pub struct Input {
    runtime: TokenStream,
    attrs: Vec<Attribute>,
    vis: Visibility,
    signature: Signature,
    braces: Brace,
    body: TokenStream,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let prefix;
        syn::parenthesized!(prefix in input);
        let runtime = prefix.parse()?;
        let form = "write one stage: `fn name<'s>(stream: Stream<'s, T>) -> Stream<'s, U> { .. }`";
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), form));
        }
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let is_function = [input.peek(Token![const]), input.peek(Token![async]), input.peek(Token![unsafe])];
        if !input.peek(Token![fn]) && !is_function.contains(&true) {
            return Err(input.error(form));
        }
        let signature = input.parse()?;
        if !input.peek(Brace) {
            return Err(input.error("a stage has a body: write `{ .. }` behind its header"));
        }
        let content;
        let (braces, body) = (syn::braced!(content in input), content.parse()?);
        if !input.is_empty() {
            return Err(input.error("a `stage!` holds one stage: give what follows a `stage!` of its own"));
        }
        Ok(Input { runtime, attrs, vis, signature, braces, body })
    }
}

impl Input {
    /// The stage as the passes know it, and its header.
    pub fn read(self, errors: &Errors) -> (Item, Signature) {
        let Input { runtime, attrs, vis, signature, braces, body } = self;
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
        let batch = None;
        let item = Item { runtime, attrs, vis, name, batch, ports, values, braces, body, is_stage: true };
        (item, signature)
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

/// The function, and what pipelines know of it.
pub fn emit(
    item: &Item,
    signature: &Signature,
    graph: &Graph,
    body: TokenStream,
    errors: Errors,
) -> TokenStream {
    let Item { runtime, attrs, vis, name, braces, .. } = item;
    let lost = errors.body_lost();
    let faulty = !errors.is_empty() || graph.incomplete;
    let errors = errors.into_compile_errors();
    // Inside the body an error makes rustc keep quiet about types that it cannot infer. There it must parse.
    let (inside, outside) = match lost || graph.incomplete {
        true => (TokenStream::new(), errors),
        false => (errors, TokenStream::new()),
    };
    let switch = |on: bool| if on { quote!(all()) } else { quote!(any()) };
    let (hidden, allowed) = (switch(lost), switch(faulty));
    let stage = Ident::new(STAGE, Span::mixed_site());
    let text = name_of(name);
    let first = item.ports.first().and_then(|port| Some((&port.name, port.role.as_ref()?)));
    let enter = first.map(|(stream, (_, record))| {
        // That it is no record is reported at its type.
        let span = record.span();
        let (runtime, mut stream) = (located(runtime, span), stream.clone());
        stream.set_span(stream.span().located_at(span));
        quote_spanned! {span=>
            #[allow(unused_variables)]
            let #stage = #runtime::__private::Stage::of(#text, &#stream);
        }
    });
    let mut braced = TokenStream::new();
    braces.surround(&mut braced, |out| {
        out.extend(
            quote!(#[allow(unused_imports)] use #runtime::__private::Reported as _; #enter #inside #body),
        );
    });
    // Code that calls a stage with a mistake in it does not fail as well.
    let stub = lost.then(|| {
        quote! {
            #(#attrs)*
            #[cfg(not(miri))]
            #[allow(unused, clippy::all)]
            #vis #signature { ::core::unreachable!("the stage does not compile") }
        }
    });
    // A method has no place for it.
    let known = first.map(|_| calls::known(item, graph, faulty));
    quote! {
        #(#attrs)*
        #[cfg_attr(#hidden, cfg(miri))]
        #[cfg_attr(#allowed, allow(unused))]
        #[allow(clippy::type_complexity)] // several streams, each with its kind, are what a stage returns
        #vis #signature #braced
        #stub
        #known
        #outside
    }
}
