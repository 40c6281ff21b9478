//! Writes the items of a pipeline: an alias for each type of the header, a function that holds the body, and
//! a module with the ports. The author's tokens come first and in their order, what was found out about
//! them after, so that an editor finds the same text before its cursor in every expansion.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Type, spanned::Spanned};

use crate::{
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
    let function = function(item, &names, body, &errors);
    let module = module(item, &names, graph, &errors);
    let errors = errors.into_compile_errors();
    quote!(#aliases #function #module #errors)
}

/// The names of the generated items. Two underscores keep `a::b_c` and `a_b::c` apart.
struct Names {
    ports: Vec<Ident>,
    values: Vec<Ident>,
    body: Ident,
}

impl Names {
    fn new(item: &Item) -> Self {
        let pipeline = name_of(&item.name);
        let alias =
            |name: &Ident| format_ident!("__{pipeline}__{}", name_of(name), span = Span::mixed_site());
        Names {
            ports: item.ports.iter().map(|port| alias(&port.name)).collect(),
            values: item.values.iter().map(|value| alias(&value.name)).collect(),
            body: format_ident!("__{pipeline}__body", span = Span::mixed_site()),
        }
    }
}

/// An alias where a bound is asked for: rustc then reports at the type that the author wrote.
fn at(alias: &Ident, ty: &Type) -> Ident {
    let mut alias = alias.clone();
    alias.set_span(alias.span().located_at(ty.span()));
    alias
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

fn function(item: &Item, names: &Names, body: TokenStream, errors: &Errors) -> TokenStream {
    let (runtime, conditions, function) = (&item.runtime, conditions(item), &names.body);
    let levels = ["allow", "expect", "warn", "deny"];
    let lints = item.attrs.iter().filter(|attr| levels.iter().any(|level| attr.path().is_ident(level)));
    let ports = readable(item, names).map(|(port, way, record, alias)| {
        let (name, alias, runtime) = (&port.name, at(alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #name: #runtime::Stream<'__s, #alias>),
            Way::Sink => quote_spanned!(record.span()=> #name: #runtime::SinkPort<'__s, #alias>),
        }
    });
    let values = valued(item, names).map(|(value, alias)| {
        let Value { name, mutability, ty } = value;
        let alias = at(alias, ty);
        quote!(#mutability #name: #alias)
    });
    // A body that would only repeat our errors is hidden from rustc, but not from rust-analyzer, which sets
    // `miri` by default (its own `rust_analyzer` is a name that rustc warns of). A body with other errors
    // keeps rustc's errors but not its warnings. Both attributes are always there and equally long: an
    // editor compares expansions with and without errors.
    let mut braced = TokenStream::new();
    item.braces.surround(&mut braced, |out| out.extend(body));
    let body = braced;
    let switch = |on: bool| if on { quote!(all()) } else { quote!(any()) };
    let (lost, faulty) = (switch(errors.body_lost()), switch(!errors.is_empty()));
    quote! {
        #(#conditions)*
        #(#lints)*
        #[cfg_attr(#lost, cfg(miri))]
        #[cfg_attr(#faulty, allow(unused))]
        #[doc(hidden)]
        #[allow(non_snake_case, clippy::too_many_arguments, clippy::needless_pass_by_value)]
        fn #function<'__s>(#(#ports,)* #(#values,)*) #body
    }
}

fn module(item: &Item, names: &Names, graph: &Graph, errors: &Errors) -> TokenStream {
    let Item { runtime, vis, name, .. } = item;
    let attrs = &item.attrs;
    let docs = format!("The ports of pipeline `{}`, each with its connector, and its values.", name_of(name));
    let params = type_params(item, names);
    let port_names: Vec<_> = item.ports.iter().map(|port| &port.name).collect();
    let fields = fields(item, names);
    let (mermaid, dot, operators) = (plan::mermaid(graph), plan::dot(graph), plan::operators(graph));
    let text = name_of(name);
    // Without a batch interval an error was reported, and nothing runs.
    let millis = Literal::u64_unsuffixed(item.batch.unwrap_or(1000));
    let wire = wire(item, names, errors);
    quote! {
        #(#attrs)*
        #[allow(non_camel_case_types, non_snake_case, private_bounds, private_interfaces, unreachable_pub)]
        #vis mod #name {
            #[doc = #docs]
            pub struct Ports<#(#params),*> { #(#fields),* }
            /// The plan of the pipeline in Mermaid.
            pub const PLAN: &str = #mermaid;
            /// The plan of the pipeline in Graphviz' language.
            pub const DOT: &str = #dot;
            /// The ids of the pipeline's operators, under which their state is kept.
            pub const OPERATORS: &[&str] = &[#(#operators),*];
            impl<#(#params),*> #runtime::Pipeline for Ports<#(#port_names),*> {
                const NAME: &'static str = #text;
                const BATCH: ::core::time::Duration = ::core::time::Duration::from_millis(#millis);
                const PLAN: &'static str = self::PLAN;
                const OPERATORS: &'static [&'static str] = self::OPERATORS;
                #wire
            }
        }
    }
}

/// A type parameter for each port. A port that the header does not describe takes anything, so that code
/// which wires it does not fail as well.
fn type_params(item: &Item, names: &Names) -> Vec<TokenStream> {
    let runtime = &item.runtime;
    let param = |(port, alias): (&Port, &Ident)| {
        let name = &port.name;
        let Some((way, record)) = &port.role else { return quote!(#name) };
        let (alias, runtime) = (at(alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #name: #runtime::Source<super::#alias>),
            Way::Sink => quote_spanned!(record.span()=> #name: #runtime::Sink<super::#alias>),
        }
    };
    item.ports.iter().zip(&names.ports).map(param).collect()
}

fn fields(item: &Item, names: &Names) -> Vec<TokenStream> {
    let port = |port: &Port| {
        let (name, written) = (&port.name, &port.docs);
        let docs = match &port.role {
            Some((Way::Source, record)) => format!("`Source<{}>`", crate::parse::text(record)),
            Some((Way::Sink, record)) => format!("`Sink<{}>`", crate::parse::text(record)),
            None => "A port.".to_owned(),
        };
        quote!(#(#written)* #[doc = #docs] pub #name: #name)
    };
    let value = |(value, alias): (&Value, &Ident)| {
        let (name, docs) = (&value.name, format!("`{}`", crate::parse::text(&value.ty)));
        let alias = at(alias, &value.ty);
        quote!(#[doc = #docs] pub #name: super::#alias)
    };
    item.ports.iter().map(port).chain(valued(item, names).map(value)).collect()
}

/// Wires the ports and builds the dataflow.
///
/// The work is done by a function that is generic over the types of the header: inside of it they are what
/// the runtime asks for, so a type that is not is reported once, where the function is called.
fn wire(item: &Item, names: &Names, errors: &Errors) -> TokenStream {
    let (runtime, body) = (&item.runtime, &names.body);
    let wiring = Ident::new("__wiring", Span::mixed_site());
    let build = Ident::new("__build", Span::mixed_site());
    let flow = Ident::new("__flow", Span::mixed_site());
    if errors.body_lost() {
        return quote! {
            fn wire(self, _: &mut #runtime::__private::Wiring) {
                ::core::unreachable!("the pipeline does not compile")
            }
        };
    }
    let ports: Vec<_> = readable(item, names).collect();
    let port_names: Vec<_> = ports.iter().map(|(port, ..)| &port.name).collect();
    let value_names: Vec<_> = item.values.iter().map(|value| &value.name).collect();
    let generic_ports = ports.iter().map(|(port, way, _, record)| {
        let name = &port.name;
        let connector = match way {
            Way::Source => quote!(Source),
            Way::Sink => quote!(Sink),
        };
        quote!(#name: #runtime::#connector<#record>)
    });
    let (records, value_types): (Vec<_>, _) =
        (ports.iter().map(|(.., record)| record).collect(), &names.values);
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
    let texts = port_names.iter().map(|name| name_of(name));
    // rustc reports a type that falls short at this mention of it.
    let mention = |alias: &Ident, ty: &Type| {
        let alias = at(alias, ty);
        quote_spanned!(ty.span()=> super::#alias)
    };
    let record_types = ports.iter().map(|(_, _, ty, alias)| mention(alias, ty));
    let concrete_values = valued(item, names).map(|(value, alias)| mention(alias, &value.ty));
    quote! {
        fn wire(self, #wiring: &mut #runtime::__private::Wiring) {
            #[allow(clippy::too_many_arguments)]
            fn wire<#(#generic_ports,)* #(#records: #runtime::Record,)* #(#value_types: #runtime::Value,)*>(
                #wiring: &mut #runtime::__private::Wiring,
                #(#port_names: #port_names,)*
                #(#value_names: #value_types,)*
                #build: impl for<'__s> ::core::ops::Fn(#(#handles,)* #(#value_types,)*) + ::core::marker::Copy + ::core::marker::Send + 'static,
            ) {
                #(let #port_names = #wiring.#methods::<#records, _>(#texts, #port_names);)*
                #wiring.build(move |#flow| #build(
                    #(#flow.#methods(&#port_names),)*
                    #(::core::clone::Clone::clone(&#value_names),)*
                ));
            }
            wire::<#(#port_names,)* #(#record_types,)* #(#concrete_values,)*>(
                #wiring, #(self.#port_names,)* #(self.#value_names,)* super::#body,
            )
        }
    }
}
