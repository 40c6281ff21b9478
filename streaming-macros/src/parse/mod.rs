//! Reads an item: its header, its ports and values, and the statements of its body as far as they can be read.
//!
//! Each mistake is one error at the author's own token. What can still be read is kept, so that code that
//! names the pipeline does not fail as well.

mod borrows;
mod conditions;
mod header_tokens;
mod input;
pub mod partial_parse;
mod pipeline;
mod ports;
mod stage;
mod stages_in_front;
mod type_parameters;
mod ungroup;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericParam, Signature, Token, Type, TypeParam, Visibility, WhereClause, token::Brace,
};

use crate::tokens::{for_each_name, name_of};

pub use conditions::{cases, condition};
pub use input::{Form, Input};
pub use pipeline::{misplaced_batch, pipeline};
pub use stage::stage;
pub use stages_in_front::{WithoutStages, stages_in_front};
pub use ungroup::ungrouped;

/// Which way a port faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Records come in.
    Source,
    /// Records go out.
    Sink,
}

/// A port of the header.
pub struct Port {
    /// Its name.
    pub name: Ident,
    /// What its author wrote about it.
    pub docs: Vec<Attribute>,
    /// Which way it faces and what it carries; `None` when the header does not say.
    pub role: Option<(Way, Type)>,
}

/// The names that a header declares.
fn declared(signature: &Signature) -> Vec<String> {
    let params = signature.generics.params.iter().map(|param| match param {
        GenericParam::Type(param) => name_of(&param.ident),
        GenericParam::Lifetime(param) => name_of(&param.lifetime.ident),
        GenericParam::Const(param) => name_of(&param.ident),
    });
    let mut names: Vec<String> = params.collect();
    for input in &signature.inputs {
        if let FnArg::Typed(value) = input {
            for_each_name(&value.pat.to_token_stream(), &mut |name| names.push(name));
        }
    }
    names
}

impl Port {
    /// Whether the port is known to face that way.
    pub fn faces(&self, way: Way) -> bool {
        matches!(&self.role, Some((own, _)) if *own == way)
    }
}

/// A run-time value of the header.
pub struct Value {
    /// Its name.
    pub name: Ident,
    /// `mut`, if the body changes its copy.
    pub mutability: Option<Token![mut]>,
    /// Its type.
    pub ty: Type,
}

/// An item whose header was read.
pub struct Item {
    /// The runtime crate, as an opaque path prefix.
    pub runtime: TokenStream,
    /// Documentation and other attributes, without `#[batch]`.
    pub attrs: Vec<Attribute>,
    /// Who may name the pipeline.
    pub vis: Visibility,
    /// The pipeline's name.
    pub name: Ident,
    /// The batch interval in milliseconds, when the header says it.
    pub batch: Option<u64>,
    /// The types that whoever starts the pipeline chooses, in the order of the header.
    pub types: Vec<TypeParam>,
    /// What else is asked of them.
    pub clause: Option<WhereClause>,
    /// The ports, in the order of the header.
    pub ports: Vec<Port>,
    /// The values, in the order of the header.
    pub values: Vec<Value>,
    /// Every name that the header declares, also those that have no place in it.
    pub declared: Vec<String>,
    /// The braces around the body: rustc names them when a statement is cut off by the end.
    pub braces: Brace,
    /// What stands between the braces.
    pub body: TokenStream,
    /// Conditions of ports and values, as they are written, and whether they hold in this form of the item.
    pub assumed: Vec<(String, bool)>,
    /// Whether it is a stage, whose ports are the streams that it takes.
    pub is_stage: bool,
}
