//! Writes the items of a pipeline: an alias for each type of the header, a function that holds the body, an
//! enum with one variant, the ports, and what the engine asks of it. The author's tokens come first and in their
//! order, what was found out about them after, so that an editor finds the same text before its cursor in every
//! expansion.
//!
//! Invariant: no item names another by a path with `super` or `crate`, so a pipeline may stand in a function.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Type, spanned::Spanned};

use crate::{
    calls,
    errors::Errors,
    graph::Graph,
    parse::{Item, Port, Value, Way},
    plan,
    tolerant::name_of,
};

/// All items of a pipeline, and its errors.
pub fn emit(item: &Item, graph: &Graph, body: TokenStream, errors: Errors) -> TokenStream {
    let names = Names::new(item);
    let aliases = aliases(item, &names);
    let lost = errors.body_lost();
    let faulty = !errors.is_empty() || graph.incomplete;
    let errors = errors.into_compile_errors();
    // Inside the body an error makes rustc keep quiet about types that it cannot infer. There it must parse.
    let (inside, outside) = match lost || graph.incomplete {
        true => (TokenStream::new(), errors),
        false => (errors, TokenStream::new()),
    };
    let function = function(item, &names, quote!(#body #inside), lost, faulty);
    let ports = ports(item, &names, graph, faulty);
    let pipeline = pipeline(item, &names, graph, lost);
    quote!(#aliases #function #ports #pipeline #outside)
}

/// The names of the generated items. Two underscores keep `a::b_c` and `a_b::c` apart.
struct Names {
    /// An alias for the record type of each port.
    ports: Vec<Ident>,
    /// An alias for the type of each value.
    values: Vec<Ident>,
    /// A type parameter for each port's connector.
    connectors: Vec<Ident>,
    /// The function that holds the body.
    body: Ident,
}

impl Names {
    fn new(item: &Item) -> Self {
        let pipeline = name_of(&item.name);
        let alias =
            |name: &Ident| format_ident!("__{pipeline}__{}", name_of(name), span = Span::mixed_site());
        // A parameter would hide the pipeline if both had one name.
        let connector = |port: &Port| match name_of(&port.name) == pipeline {
            true => format_ident!("{}_", port.name),
            false => port.name.clone(),
        };
        Names {
            ports: item.ports.iter().map(|port| alias(&port.name)).collect(),
            values: item.values.iter().map(|value| alias(&value.name)).collect(),
            connectors: item.ports.iter().map(connector).collect(),
            body: format_ident!("__{pipeline}__body", span = Span::mixed_site()),
        }
    }
}

/// An alias where a bound is asked for: rustc then reports at the type that the author wrote.
fn at(alias: &Ident, ty: &Type) -> Ident {
    let mut alias = alias.clone();
    alias.set_span(place_of(ty));
    alias
}

/// The token that stands for a type: a path is known by its last name.
fn place_of(ty: &Type) -> Span {
    match ty {
        Type::Path(path) => path.path.segments.last().map_or_else(|| ty.span(), |last| last.ident.span()),
        _ => ty.span(),
    }
}

/// The runtime's path as if it stood at `span`: a diagnostic then shows the place and not the whole macro.
pub fn located(runtime: &TokenStream, span: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    runtime.clone().into_iter().map(locate).collect()
}

/// The readable ports with their aliases.
fn readable<'a>(
    item: &'a Item,
    names: &'a Names,
) -> impl Iterator<Item = (&'a Port, Way, &'a Type, &'a Ident)> {
    item.ports.iter().zip(&names.ports).filter_map(|(port, alias)| {
        let (way, record) = port.role.as_ref()?;
        Some((port, *way, record, alias))
    })
}

fn valued<'a>(item: &'a Item, names: &'a Names) -> impl Iterator<Item = (&'a Value, &'a Ident)> {
    item.values.iter().zip(&names.values)
}

/// Attributes that hold for every item: the pipeline exists, or it does not.
fn conditions(item: &Item) -> Vec<&Attribute> {
    item.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}

fn aliases(item: &Item, names: &Names) -> TokenStream {
    let conditions = conditions(item);
    let records = readable(item, names).map(|(_, _, record, alias)| (alias, record));
    let values = valued(item, names).map(|(value, alias)| (alias, &value.ty));
    let alias = |(alias, ty)| {
        quote! {
            #(#conditions)*
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            type #alias = #ty;
        }
    };
    records.chain(values).map(alias).collect()
}

/// The function that holds the body, as a closure that builds the dataflow.
///
/// The closure is handed to a function which is generic over the header's types, and in which they are what the
/// runtime asks for. A type that is not is reported once, where that function is called; since the body is part
/// of the same function as the call, rustc then keeps quiet about what follows from it.
fn function(item: &Item, names: &Names, body: TokenStream, lost: bool, faulty: bool) -> TokenStream {
    let (runtime, conditions, function) = (&item.runtime, conditions(item), &names.body);
    let levels = ["allow", "expect", "warn", "deny"];
    let lints = item.attrs.iter().filter(|attr| levels.iter().any(|level| attr.path().is_ident(level)));
    let (bounds, connectors) = (connector_bounds(item, names), &names.connectors);
    let (port_names, value_names) = (port_names(item), value_names(item));
    let handles = readable(item, names).map(|(port, way, record, alias)| {
        let (name, alias, runtime) = (&port.name, at(alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #name: #runtime::Stream<'_, #alias>),
            Way::Sink => quote_spanned!(record.span()=> #name: #runtime::SinkPort<'_, #alias>),
        }
    });
    let values = valued(item, names).map(|(value, alias)| {
        let Value { name, mutability, ty } = value;
        let alias = at(alias, ty);
        quote!(#mutability #name: #alias)
    });
    // rustc reports a type that falls short at this mention of it.
    let records = readable(item, names).map(|(_, _, ty, alias)| at(alias, ty));
    let mentioned = records.chain(valued(item, names).map(|(value, alias)| at(alias, &value.ty)));
    let aliases = &names.values;
    // A body that would only repeat our errors is hidden from rustc, but not from rust-analyzer, which sets
    // `miri` by default (its own `rust_analyzer` is a name that rustc warns of). A body with other errors
    // keeps rustc's errors but not its warnings. Both attributes are always there and equally long: an
    // editor compares expansions with and without errors.
    let mut braced = TokenStream::new();
    item.braces.surround(&mut braced, |out| {
        out.extend(quote!(#[allow(unused_imports)] use #runtime::__private::Reported as _; #body));
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
        fn #function<#(#bounds),*>(
            #wiring: &mut #runtime::__private::Wiring,
            #(#port_names: #connectors,)*
            #(#value_names: #aliases,)*
        ) {
            #wire
            wire::<#(#connectors,)* #(#mentioned,)*>(
                #wiring, #(#port_names,)* #(#value_names,)* |#(#handles,)* #(#values,)*| #body
            )
        }
    }
}

fn port_names(item: &Item) -> Vec<&Ident> {
    item.ports.iter().map(|port| &port.name).collect()
}

fn value_names(item: &Item) -> Vec<&Ident> {
    item.values.iter().map(|value| &value.name).collect()
}

/// The ports as a value of one's own, and what is known of the pipeline without one.
fn ports(item: &Item, names: &Names, graph: &Graph, faulty: bool) -> TokenStream {
    let Item { vis, name, attrs, .. } = item;
    let (conditions, connectors) = (conditions(item), &names.connectors);
    let docs = format!("The ports of pipeline `{}`, each with its connector, and its values.", name_of(name));
    let fields = fields(item, names);
    let nothing = connectors.iter().map(|_| quote!(()));
    let kind = quote!(#name<#(#nothing),*>);
    let consts = calls::consts(item, graph, &quote!(<#kind>), faulty);
    // A note that shows the enum then shows the pipeline's name, and not the whole macro.
    let header = quote_spanned!(name.span()=> enum #name<#(#connectors),*>);
    quote! {
        #(#attrs)*
        #[allow(non_camel_case_types, private_interfaces)]
        #vis #header {
            #[doc = #docs]
            Ports { #(#fields),* }
        }
        #(#conditions)*
        #[allow(dead_code)]
        impl #kind { #consts }
    }
}

fn fields(item: &Item, names: &Names) -> Vec<TokenStream> {
    let port = |(port, connector): (&Port, &Ident)| {
        let (name, written) = (&port.name, &port.docs);
        let docs = match &port.role {
            Some((Way::Source, record)) => format!("`Source<{}>`", crate::parse::text(record)),
            Some((Way::Sink, record)) => format!("`Sink<{}>`", crate::parse::text(record)),
            None => "A port.".to_owned(),
        };
        quote!(#(#written)* #[doc = #docs] #name: #connector)
    };
    let value = |(value, alias): (&Value, &Ident)| {
        let (name, docs) = (&value.name, format!("`{}`", crate::parse::text(&value.ty)));
        let alias = at(alias, &value.ty);
        quote!(#[doc = #docs] #name: #alias)
    };
    item.ports.iter().zip(&names.connectors).map(port).chain(valued(item, names).map(value)).collect()
}

/// What the engine asks of the ports.
fn pipeline(item: &Item, names: &Names, graph: &Graph, lost: bool) -> TokenStream {
    let Item { runtime, name, .. } = item;
    let (conditions, connectors) = (conditions(item), &names.connectors);
    let (bounds, text) = (connector_bounds(item, names), name_of(name));
    let kind = item.ports.iter().map(|_| quote!(()));
    let kind = quote!(#name::<#(#kind),*>);
    // Without a batch interval an error was reported, and nothing runs.
    let millis = Literal::u64_unsuffixed(item.batch.unwrap_or(1000));
    let pipeline = located(runtime, name.span());
    let header = quote_spanned! {name.span()=>
        impl<#(#bounds),*> #pipeline::Pipeline for #name<#(#connectors),*>
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
            const NAME: &'static str = #text;
            const BATCH: ::core::time::Duration = ::core::time::Duration::from_millis(#millis);
            const PLAN: &'static str = #kind::PLAN;
            const OPERATORS: &'static [&'static str] = #kind::OPERATORS;
            const MARKS: &'static [&'static str] = #kind::MARKS;
            const FEEDS: &'static [(&'static str, &'static [&'static str])] = &[#(#feeds),*];
            fn wire(self, #wiring: &mut #runtime::__private::Wiring) #wire
        }
    }
}

/// A type parameter for each port, bound by what the port is. A port that the header does not describe takes
/// anything, so that code which wires it does not fail as well.
fn connector_bounds(item: &Item, names: &Names) -> Vec<TokenStream> {
    let runtime = &item.runtime;
    let bound = |((port, alias), connector): ((&Port, &Ident), &Ident)| {
        let Some((way, record)) = &port.role else { return quote!(#connector) };
        let (alias, runtime) = (at(alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #connector: #runtime::Source<#alias>),
            Way::Sink => quote_spanned!(record.span()=> #connector: #runtime::Sink<#alias>),
        }
    };
    item.ports.iter().zip(&names.ports).zip(&names.connectors).map(bound).collect()
}

/// Wires the ports and builds the dataflow, whatever the types of the header are.
fn wire(item: &Item, names: &Names) -> TokenStream {
    let (runtime, connectors, values) = (&item.runtime, &names.connectors, &names.values);
    let (port_names, value_names) = (port_names(item), value_names(item));
    let [wiring, build, flow] =
        ["__wiring", "__build", "__flow"].map(|name| Ident::new(name, Span::mixed_site()));
    let ports: Vec<_> = readable(item, names).collect();
    // The parameters have the names of the aliases, which they hide. A note that shows a bound shows the type.
    let connector_bounds = ports.iter().zip(connectors).map(|((_, way, _, record), connector)| match way {
        Way::Source => quote!(#connector: #runtime::Source<#record>),
        Way::Sink => quote!(#connector: #runtime::Sink<#record>),
    });
    let bound = |(name, ty): (&Ident, &Type), bound: &str| {
        let (place, bound) = (place_of(ty), Ident::new(bound, place_of(ty)));
        let runtime = located(runtime, place);
        quote_spanned!(place=> #name: #runtime::#bound)
    };
    let records = ports.iter().map(|(_, way, ty, alias)| match way {
        Way::Source => bound((alias, ty), "Record"),
        // An operator made it, and answers for it.
        Way::Sink => quote!(#alias: ::core::marker::Send + 'static),
    });
    let valued = valued(item, names).map(|(value, alias)| bound((alias, &value.ty), "Value"));
    let handles = ports.iter().map(|(_, way, _, record)| match way {
        Way::Source => quote!(#runtime::Stream<'__s, #record>),
        Way::Sink => quote!(#runtime::SinkPort<'__s, #record>),
    });
    let methods: Vec<_> = ports
        .iter()
        .map(|(_, way, ..)| match way {
            Way::Source => Ident::new("source", Span::mixed_site()),
            Way::Sink => Ident::new("sink", Span::mixed_site()),
        })
        .collect();
    let kinds = ports.iter().map(|(.., record)| record);
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
            #(let #port_names = #wiring.#methods::<#kinds, _>(#texts, #port_names);)*
            #wiring.build(move |#flow| #build(
                #(#flow.#methods(&#port_names),)*
                #(::core::clone::Clone::clone(&#value_names),)*
            ));
        }
    }
}
