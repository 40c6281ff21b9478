//! What a pipeline says of itself, with what the stages that it calls say of themselves.
//!
//! The macro sees a call, `totals(orders)`, but not whether `totals` is a stage, which may stand in another crate. rustc does:
//! a stage has an enum of its name beside the function, with one variant, `__Stage`. Each call is asked by an expression in
//! which a name means that variant if it is there, and otherwise what the runtime has for functions that are none:
//!
//! ```text
//! {
//!     use runtime::no_stage::{__stage, __Stage};
//!     {
//!         use path::totals as __stage;            // the function, and the enum if there is one
//!         { use __stage::*; fragment(&__Stage) }  // the variant of the enum, or else the outer `__Stage`
//!     }
//! }
//! ```
//!
//! What a stage says is text with a mark, [`CALLER`], where the caller's own id belongs; `const` functions of the
//! runtime put it there. So all is known when the pipeline is compiled.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Item as RustItem, spanned::Spanned};

use crate::{
    graph::{Graph, NodeId, What},
    parse::Item,
    plan::{self, CALLER, Piece, marks},
    tokens::{located, name_of},
};

/// The calls of functions that may be stages.
pub fn calls(graph: &Graph) -> Vec<NodeId> {
    let is_own = |path: &syn::Path| {
        let Some(name) = path.segments.first() else { return true };
        graph.items.iter().any(|item| named(item).is_some_and(|own| name_of(own) == name_of(&name.ident)))
    };
    let may_be = |node: &NodeId| graph.nodes[*node].path.as_ref().is_some_and(|path| !is_own(path));
    (0..graph.nodes.len()).filter(may_be).collect()
}

/// What an item of the body is called, which is not known outside of it.
fn named(item: &RustItem) -> Option<&Ident> {
    match item {
        RustItem::Fn(function) => Some(&function.sig.ident),
        RustItem::Mod(module) => Some(&module.ident),
        RustItem::Const(constant) => Some(&constant.ident),
        RustItem::Static(fixed) => Some(&fixed.ident),
        _ => None,
    }
}

/// The consts of a pipeline, whose type is `kind`. Of a body with mistakes only what is its own is said.
pub fn consts(item: &Item, graph: &Graph, kind: &TokenStream, faulty: bool) -> TokenStream {
    let told = Told::new(item, graph, kind.clone(), faulty);
    let (stages, graph) = (told.stages(), told.text(plan::encoded(graph), "graph"));
    let runtime = &item.runtime;
    let drawn = |notation: &str| {
        let notation = Ident::new(notation, Span::mixed_site());
        quote!({
            const BYTES: [u8; #runtime::__private::drawn_length(#kind::GRAPH, #runtime::__private::Notation::#notation)] =
                #runtime::__private::drawn(#kind::GRAPH, #runtime::__private::Notation::#notation);
            #runtime::__private::text(&BYTES)
        })
    };
    let (plan, dot) = (drawn("Mermaid"), drawn("Dot"));
    let operators = told.lines(told.operators(), "operators");
    let marks = told.lines(told.marks(), "marks");
    quote! {
        #stages
        #[doc(hidden)]
        pub const GRAPH: &'static str = #graph;
        /// The plan of the pipeline, to look at and to draw.
        pub fn plan() -> #runtime::plan::Plan {
            #runtime::plan::Plan::of_encoded(#kind::GRAPH)
        }
        /// The plan of the pipeline in Mermaid.
        pub const PLAN: &'static str = #plan;
        /// The plan of the pipeline in Graphviz' language.
        pub const DOT: &'static str = #dot;
        /// The ids of the pipeline's operators, under which their state is kept.
        pub const OPERATORS: &'static [&'static str] = #operators;
        #[doc(hidden)]
        pub const MARKS: &'static [&'static str] = #marks;
    }
}

/// What pipelines know of a stage.
pub fn known(item: &Item, graph: &Graph, faulty: bool) -> TokenStream {
    let Item { runtime, vis, name, .. } = item;
    let conditions: Vec<_> = item.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect();
    let told = Told::new(item, graph, name.to_token_stream(), faulty);
    let stages = told.stages();
    let graph = told.text(plan::encoded(graph), "graph");
    let (operators, marks) = (told.text(told.operators(), "operators"), told.text(told.marks(), "marks"));
    quote! {
        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis enum #name { #[doc(hidden)] __Stage }
        #(#conditions)*
        impl #name { #stages }
        #(#conditions)*
        impl #runtime::__private::IsStage for #name {
            const FRAGMENT: #runtime::__private::Fragment = #runtime::__private::Fragment {
                operators: #operators,
                marks: #marks,
                graph: #graph,
            };
        }
    }
}

struct Told<'a> {
    item: &'a Item,
    graph: &'a Graph,
    /// The type that has the consts.
    of: TokenStream,
    calls: Vec<NodeId>,
}

impl<'a> Told<'a> {
    fn new(item: &'a Item, graph: &'a Graph, of: TokenStream, faulty: bool) -> Self {
        let calls = if faulty { Vec::new() } else { calls(graph) };
        Told { item, graph, of, calls }
    }

    /// What the called functions say, one after the other.
    fn stages(&self) -> TokenStream {
        let (runtime, number) = (&self.item.runtime, Literal::usize_unsuffixed(self.calls.len()));
        let asked = self.calls.iter().map(|call| self.ask(*call));
        let stages = (!self.calls.is_empty()).then(|| {
            quote! {
                #[doc(hidden)]
                const __STAGES: [#runtime::__private::Fragment; #number] = [#(#asked),*];
            }
        });
        quote!(#stages)
    }

    fn ask(&self, call: NodeId) -> TokenStream {
        let runtime = &self.item.runtime;
        let path = self.graph.nodes[call].path.as_ref().expect("only calls with a path are asked");
        // A function that is not there is reported where it is called.
        let span = path.span();
        let runtime = located(runtime, span);
        let [stage, variant] =
            ["__stage", "__Stage"].map(|name| Ident::new(name, Span::call_site().located_at(span)));
        let uses = self.graph.items.iter().filter(|item| matches!(item, RustItem::Use(_)));
        quote_spanned! {span=> {
            #[allow(unused_imports)]
            use #runtime::__private::no_stage::{#stage, #variant};
            #(#[allow(unused_imports)] #uses)*
            {
                #[allow(unused_imports, deprecated)]
                use #path as #stage;
                {
                    #[allow(unused_imports)]
                    use #stage::*;
                    #runtime::__private::fragment(&#variant)
                }
            }
        }}
    }

    /// The ids, one a line, in source order.
    fn operators(&self) -> Vec<Piece> {
        let line = |node| Piece::Text(self.id(node) + "\n");
        self.each(line, |call| vec![Piece::Stage(call, self.id(call))])
    }

    /// The marks of operators and calls, as `id mark`: that of a stage's operator is its own and that of the call.
    fn marks(&self) -> Vec<Piece> {
        let marks = marks(self.graph);
        let line = |node: NodeId| Piece::Text(format!("{} {}\n", self.id(node), marks[node]));
        self.each(line, |call| vec![line(call), Piece::Stage(call, self.id(call))])
    }

    /// An id, or what is put before it by the caller.
    fn id(&self, node: NodeId) -> String {
        plan::id_of(self.graph, node)
    }

    fn each(&self, operator: impl Fn(NodeId) -> Piece, call: impl Fn(NodeId) -> Vec<Piece>) -> Vec<Piece> {
        let of = |node: NodeId| match self.graph.nodes[node].what {
            What::Operator => vec![operator(node)],
            What::Function => call(node),
            What::Source(_) | What::Sink(_) => Vec::new(),
        };
        (0..self.graph.nodes.len()).flat_map(of).collect()
    }

    /// The pieces in one, as an expression.
    fn text(&self, pieces: Vec<Piece>, field: &str) -> TokenStream {
        let (runtime, of, field) = (&self.item.runtime, &self.of, Ident::new(field, Span::mixed_site()));
        let mut parts: Vec<(String, TokenStream)> = Vec::new();
        let mut own = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => own += &text,
                Piece::Stage(call, key) => {
                    let Some(place) = self.calls.iter().position(|known| *known == call) else { continue };
                    parts.push((std::mem::take(&mut own), TokenStream::new()));
                    let place = Literal::usize_unsuffixed(place);
                    parts.push((key, quote!(#of::__STAGES[#place].#field)));
                }
            }
        }
        if parts.is_empty() {
            return quote!(#own);
        }
        parts.push((own, TokenStream::new()));
        let parts = parts.iter().map(|(text, stage)| match stage.is_empty() {
            // What is the pipeline's own stays as it is.
            true => quote!((#text, #CALLER)),
            false => quote!((#stage, #text)),
        });
        quote! {{
            const PARTS: &[(&str, &str)] = &[#(#parts),*];
            const BYTES: [u8; #runtime::__private::length(PARTS)] = #runtime::__private::joined(PARTS);
            #runtime::__private::text(&BYTES)
        }}
    }

    /// The lines of the pieces, as an expression.
    fn lines(&self, pieces: Vec<Piece>, field: &str) -> TokenStream {
        let runtime = &self.item.runtime;
        if self.calls.is_empty() {
            let lines = pieces.into_iter().filter_map(|piece| match piece {
                Piece::Text(line) => Some(line.trim_end().to_owned()),
                Piece::Stage(..) => None,
            });
            return quote!(&[#(#lines),*]);
        }
        let text = self.text(pieces, field);
        quote! {{
            const TEXT: &str = #text;
            const LINES: [&str; #runtime::__private::count(TEXT)] = #runtime::__private::lines(TEXT);
            &LINES
        }}
    }
}
