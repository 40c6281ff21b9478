//! The items of a stage.
//!
//! Its body is read and lowered as a pipeline's is. What differs: ids are made where it is called, of the id of that call and
//! the place in here; its streams come as parameters and leave as its value; and beside the function stands what a
//! pipeline must know of it to have its operators in its plan, see `fragments`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Signature, spanned::Spanned};

use super::{body::traits, fragments, imports};
use crate::{
    errors::Errors,
    graph::Graph,
    parse::Item,
    tokens::{STAGE, located, name_of},
};

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
    let wrong = !errors.is_empty() || graph.incomplete;
    // A name that the body does not make may be a function from outside: that keeps warnings back, and hides no stage.
    let faulty = wrong || graph.unbound;
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
    let traits = traits(runtime);
    braces.surround(&mut braced, |out| {
        out.extend(quote!(#traits #enter #inside #body));
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
    let conditions: Vec<_> = attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect();
    let imports = first.filter(|_| lost).map(|_| imports::of_body(item, &conditions));
    // A method has no place for it.
    let known = first.map(|_| fragments::known(item, graph, wrong));
    quote! {
        #(#attrs)*
        #[cfg_attr(#hidden, cfg(miri))]
        #[cfg_attr(#allowed, allow(unused))]
        #[allow(clippy::type_complexity)] // several streams, each with its kind, are what a stage returns
        #vis #signature #braced
        #stub
        #known
        #outside
        #imports
    }
}
