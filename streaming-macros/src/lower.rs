//! From the graph back to Rust: the author's tokens once each and in their order, with the operators' names
//! and the sharing of streams written between them.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Expr, ExprAsync, ExprAwait, ExprClosure, ExprField, ExprMethodCall, ExprReturn, ExprTry, Item, ReturnType,
    spanned::Spanned,
    visit::Visit,
};

use crate::{
    emit::located,
    graph::{Binding, Flow, Graph, NodeId, Origin, Part, Site, What},
    operators::{emits, known},
    resolve::PLACEHOLDER,
    tolerant::{inside_group, name_of, unfill},
};

/// The scope of a loop, as its body names it.
pub fn scope_name() -> Ident {
    Ident::new("__scope", Span::mixed_site())
}

/// The body as rustc sees it.
pub fn lower(graph: &Graph, runtime: &TokenStream) -> TokenStream {
    let lowering = Lowering { graph, runtime };
    graph.parts.iter().map(|part| lowering.part(part)).collect()
}

struct Lowering<'a> {
    graph: &'a Graph,
    runtime: &'a TokenStream,
}

impl Lowering<'_> {
    fn part(&self, part: &Part) -> TokenStream {
        match part {
            Part::Whole(statements) => self.streams(quote!(#(#statements)*)),
            Part::Filled(statements, open) => {
                let mut tokens: Vec<_> = unfill(self.streams(quote!(#(#statements)*))).into_iter().collect();
                if *open {
                    tokens.pop();
                }
                tokens.into_iter().collect()
            }
            Part::Broken(tokens) => self.borrow_sinks(tokens.clone()),
        }
    }

    /// Lowers `.to(sink)` where nothing else can be: what failed to parse stands elsewhere in the statement.
    fn borrow_sinks(&self, tokens: TokenStream) -> TokenStream {
        let is_sink = |token: &TokenTree| match token {
            TokenTree::Ident(ident) => {
                let name = name_of(ident);
                self.graph.nodes.iter().any(|node| matches!(node.what, What::Sink(_)) && node.name == name)
            }
            _ => false,
        };
        let mut after_to = false;
        let lower = |token: TokenTree| {
            let argument = std::mem::replace(&mut after_to, matches!(&token, TokenTree::Ident(ident) if ident == "to"));
            inside_group(token, &|inside| match inside.clone().into_iter().next() {
                Some(first) if argument && is_sink(&first) => quote_spanned!(first.span()=> & #inside),
                _ => self.borrow_sinks(inside),
            })
        };
        tokens.into_iter().map(lower).collect()
    }

    /// Puts the streams back in the place of their placeholders.
    fn streams(&self, tokens: TokenStream) -> TokenStream {
        let site = |ident: &Ident| {
            let number: usize = ident.to_string().strip_prefix(PLACEHOLDER)?.parse().ok()?;
            self.graph.sites.get(number)
        };
        let put_back = |token: TokenTree| match &token {
            TokenTree::Ident(ident) => match site(ident) {
                Some(site) => self.site(site),
                None => token.into(),
            },
            _ => inside_group(token, &|tokens| self.streams(tokens)).into(),
        };
        tokens.into_iter().flat_map(put_back).collect()
    }

    fn site(&self, site: &Site) -> TokenStream {
        let flow = self.flow(&site.flow);
        let bound = site.binds.iter().map(|binding| &self.graph.bindings[*binding]);
        // What a tuple takes apart is real already: only its operator could make several streams.
        let one = site.binds.len() == 1 && bound.clone().all(|binding| binding.stream.output.is_none());
        let must_be_real = site.handed || (one && bound.into_iter().any(|binding| binding.typed || binding.is_shared()));
        if must_be_real && !self.is_real(&site.flow) {
            return quote!(#flow.share());
        }
        flow
    }

    /// Whether a stream is plain without a `share()`.
    fn is_real(&self, flow: &Flow) -> bool {
        match flow {
            Flow::Use { binding, .. } => {
                let Binding { origin, typed, .. } = self.graph.bindings[*binding];
                let by_hand = typed || matches!(origin, Origin::Opaque | Origin::Port | Origin::Loop);
                by_hand || self.graph.bindings[*binding].is_shared()
            }
            // What comes out of the user's own code is whatever its signature says.
            Flow::Call(..) | Flow::Unfinished(..) => true,
            Flow::Operator { call, .. } => known(&name_of(&call.method)).is_none(),
            Flow::Paren(_, inner) => self.is_real(inner),
        }
    }

    fn flow(&self, flow: &Flow) -> TokenStream {
        match flow {
            Flow::Use { ident, binding, enters } => {
                let again = self.graph.bindings[*binding].is_shared().then(|| quote_spanned!(ident.span()=> .again()));
                let scope = scope_name();
                let enter = enters.then(|| quote_spanned!(ident.span()=> .enter(#scope)));
                quote!(#ident #again #enter)
            }
            Flow::Paren(paren, inner) => {
                let mut out = TokenStream::new();
                paren.surround(&mut out, |out| out.extend(self.flow(inner)));
                out
            }
            Flow::Unfinished(from, field, _) => {
                let (stream, ExprField { dot_token, member, .. }) = (self.flow(from), field);
                let share = (!self.is_real(from)).then(|| quote_spanned!(dot_token.span()=> .share()));
                quote!(#stream #share #dot_token #member)
            }
            Flow::Call(call, _) => self.streams(call.to_token_stream()),
            Flow::Operator { from, call, node, to_sink } => self.operator(from, call, *node, *to_sink),
        }
    }

    fn operator(&self, from: &Flow, call: &ExprMethodCall, node: NodeId, to_sink: bool) -> TokenStream {
        let ExprMethodCall { attrs, dot_token, method, turbofish, args, paren_token, .. } = call;
        let (stream, id, runtime) = (self.flow(from), self.graph.id(node), located(self.runtime, dot_token.span()));
        let name = name_of(method);
        // Code of the user's sees plain streams only, so the chain before it becomes real.
        let share = known(&name).is_none().then(|| quote_spanned!(dot_token.span()=> .share()));
        let at = quote_spanned!(dot_token.span()=> .at(#runtime::OpId(#id)) #share);
        let args = match args.first() {
            Some(sink) if to_sink => quote_spanned!(sink.span()=> & #args),
            Some(function) if args.len() == 1 && emits(&name) => self.streams(emitting(function)),
            _ => self.streams(args.to_token_stream()),
        };
        let mut out = quote!(#(#attrs)* #stream #at #dot_token #method #turbofish);
        paren_token.surround(&mut out, |out| out.extend(args));
        out
    }
}

/// Lets what a function makes of a record borrow from it: what the function returns would outlive the
/// record, so it is sent out before the record is dropped.
fn emitting(function: &Expr) -> TokenStream {
    let out = Ident::new("__out", Span::mixed_site());
    if let Expr::Closure(closure) = function
        && closure.inputs.len() != 1
    {
        // With two parameters the author writes to the emitter; any other number is rustc's to report.
        return function.to_token_stream();
    }
    if let Expr::Closure(closure) = function
        && matches!(closure.output, ReturnType::Default)
        && !leaves_early(&closure.body)
    {
        let body = &closure.body;
        let extend = quote_spanned!(body.span()=> #out.extend(#body));
        let mut lowered: ExprClosure = closure.clone();
        lowered.inputs.push(syn::parse_quote!(#out));
        lowered.body = Box::new(Expr::Verbatim(extend));
        return lowered.into_token_stream();
    }
    let record = Ident::new("__record", Span::mixed_site());
    quote_spanned!(function.span()=> |#record, #out| #out.extend_with(#record, #function))
}

/// Whether a closure's body may leave the closure before its end: its value is then not that of the body.
fn leaves_early(body: &Expr) -> bool {
    struct Leaves(bool);
    impl<'a> Visit<'a> for Leaves {
        fn visit_expr_return(&mut self, _: &'a ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_try(&mut self, _: &'a ExprTry) {
            self.0 = true;
        }
        fn visit_expr_await(&mut self, _: &'a ExprAwait) {
            self.0 = true;
        }
        // What leaves these leaves no further.
        fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}
        fn visit_expr_async(&mut self, _: &'a ExprAsync) {}
        fn visit_item(&mut self, _: &'a Item) {}
    }
    let mut leaves = Leaves(false);
    leaves.visit_expr(body);
    leaves.0
}
