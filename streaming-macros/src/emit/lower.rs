//! From the graph back to Rust: the author's tokens once each and in their order, with the operators' names
//! and the sharing of streams written between them.

use std::ops::Range;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Expr, ExprAsync, ExprAwait, ExprClosure, ExprField, ExprMethodCall, ExprReturn, ExprTry, Item,
    ReturnType, spanned::Spanned, visit::Visit,
};

use super::borrowed_keys;
use crate::{
    graph::{Binding, BindingId, Flow, Graph, NodeId, Origin, Part, Site, What},
    operators::{Operator, Syntax, known},
    parse::partial_parse::unfill,
    tokens::{STAGE, inside_group, located, name_of, placeholder_number, scope_name},
};

/// The body as rustc sees it.
pub fn lower(graph: &Graph, runtime: &TokenStream) -> TokenStream {
    let lowering = Lowering { graph, runtime };
    let parts: Vec<TokenStream> = graph.parts.iter().map(|part| lowering.part(part)).collect();
    let end = parts.last().filter(|_| graph.stage.is_none()).and_then(end);
    parts.into_iter().chain(end).collect()
}

/// A body has no value, so its last statement gets the `;` that its author may leave out: a chain without
/// an end is then reported once. A `let` without one is rustc's to report.
fn end(last: &TokenStream) -> Option<TokenStream> {
    let is_let = matches!(last.clone().into_iter().next(), Some(TokenTree::Ident(first)) if first == "let");
    let token = last.clone().into_iter().last()?;
    let is_ended = match &token {
        TokenTree::Punct(end) => end.as_char() == ';',
        TokenTree::Group(end) => end.delimiter() == Delimiter::Brace,
        _ => false,
    };
    (!is_let && !is_ended).then(|| quote_spanned!(token.span()=> ;))
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

    /// Borrows the sink of a `.to(sink)` where nothing else can be: what failed to parse stands elsewhere in the statement.
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
            let argument = std::mem::replace(
                &mut after_to,
                matches!(&token, TokenTree::Ident(name) if known(&name_of(name)).is_some_and(|operator| operator.is_sink())),
            );
            inside_group(token, &|inside| match inside.clone().into_iter().next() {
                Some(first) if argument && is_sink(&first) => quote_spanned!(first.span()=> & #inside),
                _ => self.borrow_sinks(inside),
            })
        };
        tokens.into_iter().map(lower).collect()
    }

    /// Puts the streams back in the place of their placeholders.
    fn streams(&self, tokens: TokenStream) -> TokenStream {
        let site = |ident: &Ident| self.graph.sites.get(placeholder_number(&ident.to_string())?);
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
        let must_be_real =
            site.handed || (one && bound.into_iter().any(|binding| binding.typed || binding.is_shared()));
        if let Some(call) = site.call {
            let span = self.span(&site.flow);
            let id = self.id(call, span);
            let call = quote_spanned!(span=> .call(#id));
            return quote!(#flow #call);
        }
        if must_be_real && !self.is_real(&site.flow) {
            let share = quote_spanned!(self.span(&site.flow)=> .share());
            return quote!(#flow #share);
        }
        flow
    }

    /// Where a stream ends, so that what is written behind it is the author's to the compiler.
    fn span(&self, flow: &Flow) -> Span {
        match flow {
            Flow::Use { ident, .. } => ident.span(),
            Flow::Operator { call, .. } => call.dot_token.span(),
            Flow::Unfinished(_, field, _) => field.dot_token.span(),
            Flow::Part { field, .. } => field.member.span(),
            Flow::Rust(expr, _) => expr.span(),
            Flow::Sink(ident) => ident.span(),
            Flow::Call(call, _) => call.span(),
            Flow::Paren(_, inner) => self.span(inner),
        }
    }

    /// The id of an operator or of a call. That of a stage's is made where the stage is called.
    fn id(&self, node: NodeId, span: Span) -> TokenStream {
        let (id, runtime) = (self.graph.id(node), located(self.runtime, span));
        match self.graph.stage {
            Some(_) => {
                let stage = Ident::new(STAGE, Span::mixed_site());
                quote_spanned!(span=> #stage.id(#id))
            }
            None => quote_spanned!(span=> #runtime::__private::OpId(#id)),
        }
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
            Flow::Part { .. } | Flow::Rust(..) | Flow::Sink(_) | Flow::Call(..) | Flow::Unfinished(..) => {
                true
            }
            Flow::Operator { call, .. } => known(&name_of(&call.method)).is_none(),
            Flow::Paren(_, inner) => self.is_real(inner),
        }
    }

    fn flow(&self, flow: &Flow) -> TokenStream {
        match flow {
            Flow::Use { ident, binding, enters } => self.use_of(ident, ident.span(), *binding, enters),
            Flow::Part { field, binding, enters } => {
                self.use_of(field, field.member.span(), *binding, enters)
            }
            Flow::Rust(expr, _) => self.streams(expr.to_token_stream()),
            Flow::Sink(ident) => quote_spanned!(ident.span()=> #ident.given()),
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

    /// One reading of a stream that has a name, from inside of the loops that it enters, the outermost first.
    fn use_of(
        &self,
        name: &impl ToTokens,
        span: Span,
        binding: BindingId,
        enters: &Range<usize>,
    ) -> TokenStream {
        let again = self.graph.bindings[binding].is_shared().then(|| quote_spanned!(span=> .again()));
        let enter = enters.clone().map(|outside| {
            let scope = scope_name(outside);
            quote_spanned!(span=> .enter(#scope))
        });
        quote!(#name #again #(#enter)*)
    }

    fn operator(&self, from: &Flow, call: &ExprMethodCall, node: NodeId, to_sink: bool) -> TokenStream {
        let ExprMethodCall { attrs, dot_token, method, turbofish, args, paren_token, .. } = call;
        let (stream, id) = (self.flow(from), self.id(node, dot_token.span()));
        let operator = known(&name_of(method));
        // Code of the user's sees plain streams only, so the chain before it becomes real.
        let at = match operator {
            Some(_) => quote_spanned!(dot_token.span()=> .at(#id)),
            None => quote_spanned!(dot_token.span()=> .call(#id)),
        };
        if let Some((method, args)) = self.borrowing(from, call) {
            return quote!(#(#attrs)* #stream #at #dot_token #method(#args));
        }
        let emits = operator.is_some_and(|operator| operator.syntax == Syntax::Emits);
        let args = match args.first() {
            Some(sink) if to_sink => quote_spanned!(sink.span()=> & #args),
            Some(function) if args.len() == 1 && emits => self.streams(emitting(function)),
            _ => self.streams(args.to_token_stream()),
        };
        let mut out = quote!(#(#attrs)* #stream #at #dot_token #method #turbofish);
        paren_token.surround(&mut out, |out| out.extend(args));
        out
    }

    /// The operator that lends words instead of copying them, if `call` is one that can.
    fn borrowing(&self, from: &Flow, call: &ExprMethodCall) -> Option<(Ident, TokenStream)> {
        let ExprMethodCall { method, turbofish: None, args, .. } = call else { return None };
        let [function] = args.iter().collect::<Vec<_>>()[..] else { return None };
        let operator = known(&name_of(method))?;
        let borrowing = Ident::new(operator.borrowing?, method.span());
        if operator.syntax == Syntax::Emits {
            let (closure, own) = borrowed_keys::words(function).filter(|(closure, _)| may_borrow(closure))?;
            let closure = emitting(&Expr::Closure(closure));
            return Some((borrowing, quote!(#closure, #own)));
        }
        let value = borrowed_keys::paired(function).filter(|_| self.lends(from))?;
        Some((borrowing, quote!(#function, || #value)))
    }

    /// Whether what a flow delivers is lent by a `flat_map` right before it.
    fn lends(&self, flow: &Flow) -> bool {
        match flow {
            Flow::Operator { from, call, .. } => {
                let emits = |operator: Operator| operator.syntax == Syntax::Emits;
                known(&name_of(&call.method)).is_some_and(emits) && self.borrowing(from, call).is_some()
            }
            Flow::Paren(_, inner) => self.lends(inner),
            Flow::Use { binding, enters, .. } if enters.is_empty() => {
                let Binding { typed, origin, .. } = self.graph.bindings[*binding];
                let plain = typed || origin != Origin::Let || self.graph.bindings[*binding].is_shared();
                let bound = self.graph.sites.iter().find(|site| site.binds == [*binding]);
                !plain && bound.is_some_and(|site| !site.handed && self.lends(&site.flow))
            }
            Flow::Use { .. }
            | Flow::Part { .. }
            | Flow::Rust(..)
            | Flow::Sink(_)
            | Flow::Call(..)
            | Flow::Unfinished(..) => false,
        }
    }
}

/// Whether what a closure returns may borrow from its record: it is sent out before the record is dropped,
/// and for that it must leave by its end only.
fn may_borrow(closure: &ExprClosure) -> bool {
    closure.inputs.len() == 1 && matches!(closure.output, ReturnType::Default) && !leaves_early(&closure.body)
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
