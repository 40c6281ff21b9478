//! The function that holds the body of a pipeline, and what wires its ports.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Type, spanned::Spanned};

use super::names::{
    Names, Readable, at, conditions, connector_bounds, place_of, port_names, readable, value_names, valued,
};
use crate::{
    parse::{Item, Value, Way},
    tokens::{located, name_of},
};

/// The function that holds the body, as a closure that builds the dataflow.
///
/// The closure is handed to a function which is generic over the header's types, and in which they are what the
/// runtime asks for. A type that is not is reported once, where that function is called; since the body is part
/// of the same function as the call, rustc then keeps quiet about what follows from it.
pub fn function(item: &Item, names: &Names, body: TokenStream, lost: bool, faulty: bool) -> TokenStream {
    let (runtime, conditions, function) = (&item.runtime, conditions(item), &names.body);
    let levels = ["allow", "expect", "warn", "deny"];
    let lints = item.attrs.iter().filter(|attr| levels.iter().any(|level| attr.path().is_ident(level)));
    let (bounds, connectors) = (connector_bounds(item, names), &names.connectors);
    let (port_names, value_names) = (port_names(item), value_names(item));
    let handles = readable(item, names).map(|Readable { port, way, record, alias, .. }| {
        let (name, alias, runtime) = (&port.name, at(item, alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #name: #runtime::Stream<'_, #alias>),
            Way::Sink => quote_spanned!(record.span()=> #name: #runtime::SinkPort<'_, #alias>),
        }
    });
    let values = valued(item, names).map(|(value, alias)| {
        let Value { name, mutability, ty } = value;
        let alias = at(item, alias, ty);
        quote!(#mutability #name: #alias)
    });
    // rustc reports a type that falls short at this mention of it.
    let records = readable(item, names).flat_map(|Readable { record, alias, parts, .. }| match parts {
        [] => vec![at(item, alias, record)],
        parts => parts.iter().map(|(part, ty)| at(item, part, ty)).collect(),
    });
    let mentioned = records.chain(valued(item, names).map(|(value, alias)| at(item, alias, &value.ty)));
    let aliases = valued(item, names).map(|(value, alias)| at(item, alias, &value.ty));
    let (types, clause) = (&item.types, &item.clause);
    // A body that would only repeat our errors is hidden from rustc, but not from rust-analyzer, which sets
    // `miri` by default (its own `rust_analyzer` is a name that rustc warns of). A body with other errors
    // keeps rustc's errors but not its warnings. Both attributes are always there and equally long: an
    // editor compares expansions with and without errors.
    let mut braced = TokenStream::new();
    let traits = traits(runtime);
    item.braces.surround(&mut braced, |out| {
        out.extend(quote!(#traits #body));
    });
    let body = braced;
    let switch = |on: bool| if on { quote!(all()) } else { quote!(any()) };
    let (lost, faulty) = (switch(lost), switch(faulty));
    let wiring = Ident::new("__wiring", Span::mixed_site());
    let wire = wire(item, names);
    quote! {
        #(#conditions)*
        #(#lints)*
        #[cfg_attr(#lost, cfg(miri))]
        #[cfg_attr(#faulty, allow(unused))]
        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types, non_snake_case)]
        #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
        fn #function<#(#types,)* #(#bounds),*>(
            #wiring: &mut #runtime::__private::Wiring,
            #(#port_names: #connectors,)*
            #(#value_names: #aliases,)*
        ) #clause {
            #wire
            wire::<#(#connectors,)* #(#mentioned,)*>(
                #wiring, #(#port_names,)* #(#value_names,)* |#(#handles,)* #(#values,)*| #body
            )
        }
    }
}

/// What is found behind a mistake, and by names from elsewhere, also where nobody imports the prelude.
pub fn traits(runtime: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_imports)]
        use #runtime::__private::{NoStream as _, Reported as _, SinkNames as _, StateNames as _, StreamNames as _};
    }
}

/// Wires the ports and builds the dataflow, whatever the types of the header are.
fn wire(item: &Item, names: &Names) -> TokenStream {
    let (runtime, connectors, values) = (&item.runtime, &names.connectors, &names.values);
    let (port_names, value_names) = (port_names(item), value_names(item));
    let [wiring, build, flow] =
        ["__wiring", "__build", "__flow"].map(|name| Ident::new(name, Span::mixed_site()));
    let ports: Vec<_> = readable(item, names).collect();
    // The parameters have the names of the aliases, which they hide. A note that shows a bound shows the type.
    let carried: Vec<TokenStream> = ports
        .iter()
        .map(|Readable { alias, parts, .. }| match parts {
            [] => alias.to_token_stream(),
            parts => {
                let parts = parts.iter().map(|(part, _)| part);
                quote!((#(#parts,)*))
            }
        })
        .collect();
    let connector_bounds =
        ports.iter().zip(&carried).zip(connectors).map(|((port, record), connector)| match port.way {
            Way::Source => quote!(#connector: #runtime::Source<#record>),
            Way::Sink => quote!(#connector: #runtime::Sink<#record>),
        });
    let bound = |(name, ty): (&Ident, &Type), bound: TokenStream| {
        let place = place_of(ty);
        let (runtime, bound) = (located(runtime, place), located(&bound, place));
        quote_spanned!(place=> #name: #runtime::#bound)
    };
    let record = |(name, ty): (&Ident, &Type)| match is_counted(ty) {
        true => bound((name, ty), quote!(__private::SharedRecord)),
        false => bound((name, ty), quote!(Record)),
    };
    let records =
        ports.iter().flat_map(|Readable { way, record: ty, alias, parts, .. }| match (way, *parts) {
            (Way::Source, []) => vec![record((*alias, *ty))],
            (Way::Source, parts) => parts.iter().map(|(part, ty)| record((part, ty))).collect(),
            // An operator made it, and answers for it.
            (Way::Sink, _) => vec![quote!(#alias: ::core::marker::Send + 'static)],
        });
    let valued = valued(item, names).map(|(value, alias)| bound((alias, &value.ty), quote!(Value)));
    let handles = ports.iter().zip(&carried).map(|(port, record)| match port.way {
        Way::Source => quote!(#runtime::Stream<'__s, #record>),
        Way::Sink => quote!(#runtime::SinkPort<'__s, #record>),
    });
    let methods: Vec<_> = ports
        .iter()
        .map(|port| match port.way {
            Way::Source => Ident::new("source", Span::mixed_site()),
            Way::Sink => Ident::new("sink", Span::mixed_site()),
        })
        .collect();
    let texts = port_names.iter().map(|name| name_of(name));
    // A note that shows this function then shows the pipeline's name, and not the whole macro.
    let header = quote_spanned! {item.name.span()=>
        fn wire<#(#connector_bounds,)* #(#records,)* #(#valued,)*>(
            #wiring: &mut #runtime::__private::Wiring,
            #(#port_names: #connectors,)*
            #(#value_names: #values,)*
            #build: impl for<'__s> ::core::ops::Fn(#(#handles,)* #(#values,)*)
                + ::core::marker::Copy + ::core::marker::Send + 'static,
        )
    };
    quote! {
        #[allow(clippy::all, clippy::pedantic)]
        #header {
            #(let #port_names = #wiring.#methods::<#carried, _>(#texts, #port_names);)*
            #wiring.build(move |#flow| #build(
                #(#flow.#methods(&#port_names),)*
                #(::core::clone::Clone::clone(&#value_names),)*
            ));
        }
    }
}

/// Whether a type has several owners: serde knows it only if it is told to.
fn is_counted(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Arc" || last.ident == "Rc")
}
