//! The names of what is emitted for a header, and the parts of a header as the emitted items use them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Type, spanned::Spanned};

use crate::{
    parse::{Item, Port, Value, Way},
    tokens::{located, name_of},
};

/// The names of the generated items. Two underscores keep `a::b_c` and `a_b::c` apart.
pub struct Names {
    /// An alias for the record type of each port.
    pub ports: Vec<Ident>,
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
            values: item.values.iter().map(|value| alias(&value.name)).collect(),
            connectors: item.ports.iter().map(connector).collect(),
            body: format_ident!("__{pipeline}__body", span = Span::mixed_site()),
        }
    }
}

/// An alias where a bound is asked for: rustc then reports at the type that the author wrote.
pub fn at(alias: &Ident, ty: &Type) -> Ident {
    let mut alias = alias.clone();
    alias.set_span(place_of(ty));
    alias
}

/// The token that stands for a type: a path is known by its last name.
pub fn place_of(ty: &Type) -> Span {
    match ty {
        Type::Path(path) => path.path.segments.last().map_or_else(|| ty.span(), |last| last.ident.span()),
        _ => ty.span(),
    }
}

/// The readable ports with their aliases.
pub fn readable<'a>(
    item: &'a Item,
    names: &'a Names,
) -> impl Iterator<Item = (&'a Port, Way, &'a Type, &'a Ident)> {
    item.ports.iter().zip(&names.ports).filter_map(|(port, alias)| {
        let (way, record) = port.role.as_ref()?;
        Some((port, *way, record, alias))
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
        let (alias, runtime) = (at(alias, record), located(runtime, record.span()));
        match way {
            Way::Source => quote_spanned!(record.span()=> #connector: #runtime::Source<#alias>),
            Way::Sink => quote_spanned!(record.span()=> #connector: #runtime::Sink<#alias>),
        }
    };
    item.ports.iter().zip(&names.ports).zip(&names.connectors).map(bound).collect()
}
