//! Writes the items of a pipeline: an alias for each type of the header, a function that holds the body, an
//! enum with one variant, the ports, and what the engine asks of it. The author's tokens come first and in their
//! order, what was found out about them after, so that an editor finds the same text before its cursor in every
//! expansion.
//!
//! Invariant: no item names another by a path with `super` or `crate`, so a pipeline may stand in a function.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::{
    body::function,
    fragments, imports,
    names::{
        Names, Readable, at, conditions, connector_bounds, parameters, port_names, readable, type_names,
        value_names, valued,
    },
};
use crate::{
    errors::Errors,
    graph::Graph,
    parse::{Item, Port, Value, Way},
    plan,
    tokens::{located, name_of, text},
};

/// All items of a pipeline, and its errors.
pub fn emit(item: &Item, graph: &Graph, body: TokenStream, errors: Errors) -> TokenStream {
    let names = Names::new(item);
    let aliases = aliases(item, &names);
    let lost = errors.body_lost();
    let wrong = !errors.is_empty() || graph.incomplete;
    // A name that the body does not make may be a function from outside: that keeps warnings back, and hides no stage.
    let faulty = wrong || graph.unbound;
    let conditions = conditions(item);
    let errors: TokenStream = errors
        .finish()
        .iter()
        .map(|error| {
            let error = error.to_compile_error();
            quote!(#(#conditions)* #error)
        })
        .collect();
    // Inside the body an error makes rustc keep quiet about types that it cannot infer. There it must parse.
    let (inside, outside) = match lost || graph.incomplete {
        true => (TokenStream::new(), errors),
        false => (errors, TokenStream::new()),
    };
    let function = function(item, &names, quote!(#body #inside), lost, faulty);
    let ports = ports(item, &names, graph, wrong);
    let pipeline = pipeline(item, &names, graph, lost);
    let imports = lost.then(|| imports::of_body(item, &conditions));
    quote!(#aliases #function #ports #imports #pipeline #outside)
}

fn aliases(item: &Item, names: &Names) -> TokenStream {
    let conditions = conditions(item);
    let alias = |alias: &Ident, ty: &Type, written: TokenStream| {
        let types = parameters(item, ty);
        quote! {
            #(#conditions)*
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            type #alias #types = #written;
        }
    };
    let records = readable(item, names).map(|Readable { record, alias: whole, parts, .. }| {
        let made = match record {
            Type::Tuple(tuple) if !parts.is_empty() => {
                let mut made = TokenStream::new();
                tuple.paren_token.surround(&mut made, |out| {
                    parts.iter().for_each(|(part, ty)| {
                        let part = at(item, part, ty);
                        out.extend(quote!(#part,));
                    });
                });
                made
            }
            record => record.to_token_stream(),
        };
        let parts: TokenStream =
            parts.iter().map(|(part, ty)| alias(part, ty, ty.to_token_stream())).collect();
        let whole = alias(whole, record, made);
        quote!(#parts #whole)
    });
    let values = valued(item, names).map(|(value, name)| alias(name, &value.ty, value.ty.to_token_stream()));
    records.chain(values).collect()
}

/// The ports as a value of one's own, and what is known of the pipeline without one.
fn ports(item: &Item, names: &Names, graph: &Graph, faulty: bool) -> TokenStream {
    let Item { vis, name, attrs, .. } = item;
    let (conditions, connectors) = (conditions(item), &names.connectors);
    let docs = format!("The ports of pipeline `{}`, each with its connector, and its values.", name_of(name));
    let fields = fields(item, names);
    let types = type_names(item);
    let kind = of_nothing(item);
    let consts = fragments::consts(item, graph, &quote!(<#kind>), faulty);
    // A note that shows the enum then shows the pipeline's name, and not the whole macro.
    let header = quote_spanned!(name.span()=> enum #name<#(#types,)* #(#connectors),*>);
    // A type that no port has by itself is a parameter all the same.
    let unused = (!types.is_empty()).then(|| {
        let never = Ident::new("__Never", Span::mixed_site());
        quote!(#[doc(hidden)] #never(::core::convert::Infallible, ::core::marker::PhantomData<(#(#types,)*)>),)
    });
    quote! {
        #(#attrs)*
        #[allow(non_camel_case_types, private_interfaces)]
        #vis #header {
            #[doc = #docs]
            Ports { #(#fields),* },
            #unused
        }
        #(#conditions)*
        #[allow(dead_code)]
        impl #kind { #consts }
    }
}

/// The pipeline without types and connectors: what is known of it does not depend on them.
fn of_nothing(item: &Item) -> TokenStream {
    let (name, nothing) = (&item.name, item.types.iter().map(|_| ()).chain(item.ports.iter().map(|_| ())));
    let nothing = nothing.map(|()| quote!(()));
    quote!(#name<#(#nothing),*>)
}

fn fields(item: &Item, names: &Names) -> Vec<TokenStream> {
    let port = |(port, connector): (&Port, &Ident)| {
        let (name, written) = (&port.name, &port.docs);
        let docs = match &port.role {
            Some((Way::Source, record)) => format!("`Source<{}>`", text(record)),
            Some((Way::Sink, record)) => format!("`Sink<{}>`", text(record)),
            None => "A port.".to_owned(),
        };
        quote!(#(#written)* #[doc = #docs] #name: #connector)
    };
    let value = |(value, alias): (&Value, &Ident)| {
        let (name, docs) = (&value.name, format!("`{}`", text(&value.ty)));
        let alias = at(item, alias, &value.ty);
        quote!(#[doc = #docs] #name: #alias)
    };
    item.ports.iter().zip(&names.connectors).map(port).chain(valued(item, names).map(value)).collect()
}

/// What the engine asks of the ports.
fn pipeline(item: &Item, names: &Names, graph: &Graph, lost: bool) -> TokenStream {
    let Item { runtime, name, .. } = item;
    let (conditions, connectors) = (conditions(item), &names.connectors);
    let (bounds, own_name) = (connector_bounds(item, names), name_of(name));
    let kind = of_nothing(item);
    let (types, type_names, clause) = (&item.types, type_names(item), &item.clause);
    // Without a batch interval an error was reported, and nothing runs.
    let millis = Literal::u64_unsuffixed(item.batch.unwrap_or(1000));
    let pipeline = located(runtime, name.span());
    let header = quote_spanned! {name.span()=>
        impl<#(#types,)* #(#bounds),*> #pipeline::Pipeline for #name<#(#type_names,)* #(#connectors),*> #clause
    };
    let (port_names, value_names, body) = (port_names(item), value_names(item), &names.body);
    let feeds =
        plan::feeds(graph).into_iter().map(|(operator, sources)| quote!((#operator, &[#(#sources),*])));
    let wiring = Ident::new("__wiring", Span::mixed_site());
    let wire = match lost {
        true => quote!({ let _ = #wiring; ::core::unreachable!("the pipeline does not compile") }),
        false => quote!({
            let Self::Ports { #(#port_names,)* #(#value_names),* } = self;
            #body(#wiring, #(#port_names,)* #(#value_names),*)
        }),
    };
    quote! {
        #(#conditions)*
        #[allow(non_camel_case_types)]
        #header {
            const NAME: &'static str = #own_name;
            const BATCH: ::core::time::Duration = ::core::time::Duration::from_millis(#millis);
            const PLAN: &'static str = <#kind>::PLAN;
            const GRAPH: &'static str = <#kind>::GRAPH;
            const OPERATORS: &'static [&'static str] = <#kind>::OPERATORS;
            const MARKS: &'static [&'static str] = <#kind>::MARKS;
            const FEEDS: &'static [(&'static str, &'static [&'static str])] = &[#(#feeds),*];
            fn wire(self, #wiring: &mut #runtime::__private::Wiring) #wire
        }
    }
}
