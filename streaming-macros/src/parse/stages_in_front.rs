//! Stages that stand in a `stream!`, in front of its pipeline: each belongs in a `stage!` of its own.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Error, ItemFn, ReturnType, Signature, Type,
    parse::{ParseStream, Parser, discouraged::Speculative},
};

/// A `stream!` without the stages in front of its pipeline, and what stands in for these, so that nothing else is said of them.
pub struct WithoutStages {
    /// What is left.
    pub tokens: TokenStream,
    /// Functions with the headers of the stages.
    pub stubs: TokenStream,
    /// What is wrong with each.
    pub mistakes: Vec<Error>,
}

/// Parts the stages from the pipeline.
pub fn stages_in_front(tokens: TokenStream) -> WithoutStages {
    let whole = tokens.clone();
    let read = |input: ParseStream<'_>| {
        let runtime: proc_macro2::Group = input.parse()?;
        let (mut stubs, mut mistakes) = (TokenStream::new(), Vec::new());
        loop {
            let ahead = input.fork();
            match ahead.parse::<ItemFn>() {
                Ok(item) if !ahead.is_empty() && is_stage(&item) => {
                    input.advance_to(&ahead);
                    mistakes.push(mistake(&item.sig));
                    let ItemFn { attrs, vis, sig, .. } = item;
                    stubs.extend(quote!(#(#attrs)* #[allow(unused)] #vis #sig { ::core::unimplemented!() }));
                }
                _ => break,
            }
        }
        let rest: TokenStream = input.parse()?;
        Ok(WithoutStages { tokens: quote!(#runtime #rest), stubs, mistakes })
    };
    let none = WithoutStages { tokens: whole, stubs: TokenStream::new(), mistakes: Vec::new() };
    read.parse2(tokens).ok().filter(|parted| !parted.mistakes.is_empty()).unwrap_or(none)
}

fn mistake(signature: &Signature) -> Error {
    let name = &signature.ident;
    let message = format!(
        "`{name}` takes or gives streams, so it is a stage: put it into a `stage!(..)` of its own, in front of this `stream!`"
    );
    Error::new_spanned(name, message)
}

/// Whether a function is from streams or to streams, and no pipeline.
fn is_stage(item: &ItemFn) -> bool {
    let is_pipeline = item.attrs.iter().any(|attribute| attribute.path().is_ident("batch"));
    let inputs = item.sig.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(typed) => Some(&*typed.ty),
        syn::FnArg::Receiver(_) => None,
    });
    let output = match &item.sig.output {
        ReturnType::Type(_, output) => Some(&**output),
        ReturnType::Default => None,
    };
    !is_pipeline && inputs.chain(output).any(has_stream)
}

fn has_stream(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Stream"),
        Type::Reference(reference) => has_stream(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(has_stream),
        Type::ImplTrait(of) => of.to_token_stream().to_string().contains("Stream"),
        _ => false,
    }
}
