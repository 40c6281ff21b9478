//! The names of what is emitted for a header, and the parts of a header as the emitted items use them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Type, spanned::Spanned};

use crate::{
    parse::{Item, Port, Value, Way},
    tokens::{located, mentions, name_of},
};

/// The names of the generated items. Two underscores keep `a::b_c` and `a_b::c` apart.
pub struct Names {
    /// An alias for the record type of each port.
    pub ports: Vec<Ident>,
    /// Aliases for the parts of it, if it is a tuple: rustc then names the part that falls short.
    pub parts: Vec<Vec<(Ident, Type)>>,
    /// An alias for the type of each value.
    pub values: Vec<Ident>,
    /// A type parameter for each port's connector.
    pub connectors: Vec<Ident>,
    /// The function that holds the body.
    pub body: Ident,
}

impl Names {
    /// Names for the items of a pipeline.
    pub fn new(item: &Item) -> Self {
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
            parts: item.ports.iter().map(|port| parts(port, &alias(&port.name))).collect(),
            values: item.values.iter().map(|value| alias(&value.name)).collect(),
            connectors: item.ports.iter().map(connector).collect(),
            body: format_ident!("__{pipeline}__body", span = Span::mixed_site()),
        }
    }
}

/// The parts of what a source carries.
fn parts(port: &Port, alias: &Ident) -> Vec<(Ident, Type)> {
    match &port.role {
        Some((Way::Source, Type::Tuple(tuple))) if tuple.elems.len() < 13 => {
            let part = |(number, ty): (usize, &Type)| (format_ident!("{alias}__{number}"), ty.clone());
            tuple.elems.iter().enumerate().map(part).collect()
        }
        _ => Vec::new(),
    }
}

/// An alias where a bound is asked for: rustc then reports at the type that the author wrote. It has those type parameters that
/// the type mentions.
pub fn at(item: &Item, alias: &Ident, ty: &Type) -> TokenStream {
    let mut alias = alias.clone();
    alias.set_span(place_of(ty));
    let types = parameters(item, ty);
    quote!(#alias #types)
}

/// The type parameters that a type mentions.
pub fn parameters(item: &Item, ty: &Type) -> Option<TokenStream> {
    let mut types = type_names(item);
    types.retain(|name| mentions(ty, name));
    (!types.is_empty()).then(|| quote!(<#(#types),*>))
}

/// The names of the type parameters.
pub fn type_names(item: &Item) -> Vec<&Ident> {
    item.types.iter().map(|param| &param.ident).collect()
}

/// The token that stands for a type: a path is known by its last name.
pub fn place_of(ty: &Type) -> Span {
    match ty {
        Type::Path(path) => path.path.segments.last().map_or_else(|| ty.span(), |last| last.ident.span()),
        _ => ty.span(),
    }
}

/// A readable port, with its alias and those of its parts.
#[derive(Clone, Copy)]
pub struct Readable<'a> {
    pub port: &'a Port,
    pub way: Way,
    pub record: &'a Type,
    pub alias: &'a Ident,
    pub parts: &'a [(Ident, Type)],
}

/// The readable ports.
pub fn readable<'a>(item: &'a Item, names: &'a Names) -> impl Iterator<Item = Readable<'a>> {
    item.ports.iter().zip(&names.ports).zip(&names.parts).filter_map(|((port, alias), parts)| {
        let (way, record) = port.role.as_ref()?;
        Some(Readable { port, way: *way, record, alias, parts })
    })
}

/// The values with their aliases.
pub fn valued<'a>(item: &'a Item, names: &'a Names) -> impl Iterator<Item = (&'a Value, &'a Ident)> {
    item.values.iter().zip(&names.values)
}

/// Attributes that hold for every item: the pipeline exists, or it does not.
pub fn conditions(item: &Item) -> Vec<&Attribute> {
    item.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}

/// The names of the ports.
pub fn port_names(item: &Item) -> Vec<&Ident> {
    item.ports.iter().map(|port| &port.name).collect()
}

/// The names of the values.
pub fn value_names(item: &Item) -> Vec<&Ident> {
    item.values.iter().map(|value| &value.name).collect()
}

/// A type parameter for each port, bound by what the port is. A port that the header does not describe takes
/// anything, so that code which wires it does not fail as well.
pub fn connector_bounds(item: &Item, names: &Names) -> Vec<TokenStream> {
    let runtime = &item.runtime;
    let bound = |((port, alias), connector): ((&Port, &Ident), &Ident)| {
        let Some((way, record)) = &port.role else { return quote!(#connector) };
        let (alias, runtime) = (at(item, alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #connector: #runtime::Source<#alias>),
            Way::Sink => quote_spanned!(record.span()=> #connector: #runtime::Sink<#alias>),
        }
    };
    item.ports.iter().zip(&names.ports).zip(&names.connectors).map(bound).collect()
}
