//! Expressions in which a stream stands where no stream can: printed, compared, called as in another language. rustc would speak of
//! traits that a stream does not have.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, ExprAssign, ExprBinary, ExprCall, Item, Lit, Macro, Pat, Token, Type, parse::Parser,
    punctuated::Punctuated,
};

use super::{
    Meaning, Resolver,
    call_shape::written,
    closures::Said,
    scope::{all_free, bound, free_values},
};
use crate::{
    graph::{Finding, Flow, What},
    operators::known,
    tokens::{for_each_name, name_of, text},
};

/// Macros that show what they are given, ask something of it, or wait for it.
const SHOW: [&str; 12] = [
    "println", "print", "eprintln", "eprint", "dbg", "format", "write", "writeln", "info", "debug", "warn",
    "trace",
];
const ASK: [&str; 6] =
    ["assert", "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "debug_assert_ne"];
const WAIT: [&str; 4] = ["select", "join", "try_join", "select_biased"];

impl Resolver {
    /// What is to be said of an expression that is no stream and holds one.
    pub fn misuse(&self, expr: &Expr) -> Option<Said> {
        match expr {
            Expr::Call(call) => self.by_path(call),
            Expr::Binary(pair) => self.between(pair),
            Expr::Assign(assign) => self.parts_assigned(assign),
            Expr::Macro(call) => self.in_a_macro(&call.mac),
            Expr::Unary(unary) if self.is_surely(&unary.expr) => {
                let op = text(&unary.op);
                let words = format!("a stream has no value while its pipeline is put together: write `.map(|record| {op}record)` for each record, or choose them with `.filter(|record| ..)`");
                Some((unary.op.to_token_stream(), words))
            }
            Expr::Cast(cast) if self.is_surely(&cast.expr) => {
                let words = format!("a stream is not cast, its records are: write `.map(|record| record as {})`", text(&cast.ty));
                Some((cast.as_token.to_token_stream(), words))
            }
            Expr::Index(index) if self.is_surely(&index.expr) => Some((
                index.index.to_token_stream(),
                "records have no number in a stream: choose them with `.filter(|record| ..)`, or the largest of a batch with `.top_k(1)`".to_owned(),
            )),
            _ => None,
        }
    }

    /// Whether an expression is a stream, whatever the user's own code makes.
    fn is_surely(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => path.path.get_ident().is_some_and(|name| self.names_surely(&name_of(name))),
            Expr::Paren(paren) => self.is_surely(&paren.expr),
            Expr::MethodCall(call) => {
                known(&name_of(&call.method)).is_some() && self.is_surely(&call.receiver)
            }
            _ => false,
        }
    }

    /// `words::filter(..)`.
    fn by_path(&self, call: &ExprCall) -> Option<Said> {
        let Expr::Path(path) = &*call.func else { return None };
        let segments: Vec<&Ident> = path.path.segments.iter().map(|segment| &segment.ident).collect();
        let [first, second] = segments[..] else { return None };
        // A module may have the name of a stream, and its functions are given streams.
        let is_given = call.args.iter().any(|argument| self.is_stream(argument));
        if !matches!(self.meaning(first), Some(Meaning::Stream(_)))
            || known(&name_of(second)).is_none()
            || is_given
        {
            return None;
        }
        let args: Vec<String> = call.args.iter().map(written).collect();
        let words = format!(
            "`{first}` is a stream, and its operators are called by a dot: write `{first}.{second}({})`",
            args.join(", ")
        );
        Some((second.to_token_stream(), words))
    }

    /// A stream with an operator of Rust behind or before it.
    fn between(&self, pair: &ExprBinary) -> Option<Said> {
        let mut left = &*pair.left;
        while let Expr::Binary(pair) = left {
            left = &pair.left;
        }
        if let Expr::Field(field) = left
            && self.is_stream(&field.base)
            && let syn::Member::Named(name) = &field.member
            && let Some(operator) = known(&name_of(name))
        {
            let words = format!("an operator is a method with `()`: write `.{name}({})`", operator.call);
            return Some((name.to_token_stream(), words));
        }
        let right = match &*pair.right {
            Expr::Unary(unary) => &unary.expr,
            right => right,
        };
        if let Some((sink, _)) = self.sink_named(&pair.left)
            && self.is_stream(right)
        {
            let words =
                format!("a stream is sent to a sink by `.to({sink})`: write `{}.to({sink})`", written(right));
            return Some((pair.op.to_token_stream(), words));
        }
        if !self.is_surely(&pair.left) {
            return None;
        }
        if let Expr::Call(call) = &*pair.right
            && let Expr::Path(function) = &*call.func
            && let Some(name) = function.path.get_ident()
            && known(&name_of(name)).is_some()
        {
            let words =
                format!("an operator is a method: write `{}.{}`", written(&pair.left), written(&pair.right));
            return Some((pair.op.to_token_stream(), words));
        }
        if matches!(&*pair.right, Expr::Lit(_)) {
            let right = format!("{} {}", text(&pair.op), written(&pair.right));
            let words = format!(
                "a stream has no value while its pipeline is put together: ask each record, `.filter(|record| *record {right})` to choose, `.map(|record| record {right})` for the answers"
            );
            return Some((pair.op.to_token_stream(), words));
        }
        None
    }

    /// `(long, short) = words.split(..)`.
    fn parts_assigned(&self, assign: &ExprAssign) -> Option<Said> {
        let Expr::Tuple(parts) = &*assign.left else { return None };
        if !self.is_surely(&assign.right) {
            return None;
        }
        let sinks: Vec<String> = parts
            .elems
            .iter()
            .filter_map(|part| self.sink_named(part))
            .map(|(sink, _)| format!("`.to({sink})`"))
            .collect();
        let right = written(&assign.right);
        let words = match sinks.is_empty() {
            true => format!(
                "streams are given their names with `let`: write `let {} = {right}`",
                written(&assign.left)
            ),
            false => format!(
                "nothing is assigned to a sink: write `let (these, others) = {right};` and send each on with {}",
                sinks.join(" and ")
            ),
        };
        Some((assign.left.to_token_stream(), words))
    }

    /// A stream among the arguments of a macro that everyone knows.
    pub fn in_a_macro(&self, call: &Macro) -> Option<Said> {
        let last = call.path.segments.last()?;
        let name = name_of(&last.ident);
        let is_one = |of: &[&str]| of.iter().any(|known| name == *known);
        if name == "stream" {
            return Some((
                last.to_token_stream(),
                "a pipeline stands beside the others: what is a part of this one is a function of streams, or a `stage!`, outside of it".to_owned(),
            ));
        }
        // A macro of the user's may be called so, too.
        let is_select = name == "select" || name == "select_biased";
        if is_one(&WAIT) && (is_select || call.path.segments.len() > 1) {
            let stream = self.mentioned_in(&call.tokens)?;
            let words = format!(
                "nothing is waited for in a pipeline: what comes from several streams is one by `.union(..)`, such as `{stream}.union(other)`, and what to do with each record says `.map(..)`"
            );
            return Some((last.to_token_stream(), words));
        }
        if !is_one(&SHOW) && !is_one(&ASK) {
            return None;
        }
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(call.tokens.clone()).ok()?;
        let is_logged = ["info", "debug", "warn", "trace"].iter().any(|log| name == *log);
        let is_format =
            |argument: &Expr| matches!(argument, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)));
        if is_logged && !arguments.first().is_some_and(is_format) {
            return None;
        }
        let stream = arguments.iter().find_map(|argument| {
            let free = all_free(argument, |name| self.names_surely(name));
            free.first().map(name_of).or_else(|| self.in_a_format(argument))
        })?;
        let words = match is_one(&SHOW) {
            true => format!(
                "stream `{stream}` has no text while its pipeline is put together: show each record with `{stream}.inspect(|record| println!(\"{{record:?}}\"))`, or send them to a sink that is started as `console()`"
            ),
            false => format!(
                "stream `{stream}` has no value while its pipeline is put together: choose records with `{stream}.filter(|record| ..)`, or look at all of them in a test, whose sink is `collect()`"
            ),
        };
        Some((last.to_token_stream(), words))
    }

    /// The stream in `"{words}"`.
    fn in_a_format(&self, argument: &Expr) -> Option<String> {
        let Expr::Lit(literal) = argument else { return None };
        let Lit::Str(format) = &literal.lit else { return None };
        let format = format.value().replace("{{", "");
        let names = format
            .split('{')
            .skip(1)
            .map(|part| part.split([':', '}']).next().unwrap_or_default().to_owned());
        names.into_iter().find(|name| self.names_surely(name))
    }

    fn mentioned_in(&self, tokens: &TokenStream) -> Option<String> {
        let mut found = None;
        for_each_name(tokens, &mut |name| {
            if found.is_none() && self.names_surely(&name) {
                found = Some(name);
            }
        });
        found
    }

    /// An item of the body that names a stream, which only the body itself can.
    pub fn in_an_item(&self, item: &Item) -> Option<Said> {
        let is_stream = |name: &str| self.names_stream(name);
        // What is called may be a function of that name.
        let is_named = |expr: &Expr| !free_values(expr, is_stream).is_empty();
        match item {
            Item::Const(fixed) if is_named(&fixed.expr) => {
                Some((fixed.const_token.to_token_stream(), named(&fixed.ident, "const", &fixed.expr)))
            }
            Item::Static(fixed) if is_named(&fixed.expr) => {
                Some((fixed.static_token.to_token_stream(), named(&fixed.ident, "static", &fixed.expr)))
            }
            Item::Fn(function) => {
                let own: Vec<String> = function
                    .sig
                    .inputs
                    .iter()
                    .flat_map(|input| match input {
                        syn::FnArg::Typed(input) => bound(&input.pat).iter().map(name_of).collect(),
                        syn::FnArg::Receiver(_) => Vec::new(),
                    })
                    .collect();
                let body = Expr::Block(syn::ExprBlock {
                    attrs: Vec::new(),
                    label: None,
                    block: (*function.block).clone(),
                });
                let free =
                    free_values(&body, |name| self.names_stream(name) && !own.iter().any(|own| own == name));
                let stream = free.first()?;
                let name = &function.sig.ident;
                let words = format!(
                    "a function sees no stream of the body around it: give it `{stream}`, as `fn {name}<'s>({stream}: Stream<'s, T>)`, or a `stage!`"
                );
                Some((stream.to_token_stream(), words))
            }
            _ => None,
        }
    }

    /// Notes that a stream is given the type of something else.
    pub fn typed_as_another(&mut self, site: usize, ty: &Type) {
        let flow = &self.graph.sites[site].flow;
        let words = match flow {
            Flow::Operator { from, call, .. } if call.method == "collect" && self.is_certain(from) => {
                "a stream does not end, so it is not collected: send it to a sink, `.to(out)`, and start with `out: collect()` in a test; `.glom(1)` makes one `Vec` of each batch".to_owned()
            }
            flow if self.is_certain(flow) => {
                let known = self.record_of(flow).as_ref().map(text);
                let record = known.unwrap_or_else(|| if matches!(ty, Type::ImplTrait(_)) { "T".to_owned() } else { text(ty) });
                format!("this is a stream, and what it carries stands in its `<>`: write `Stream<'_, {record}>`, or leave the type out")
            }
            _ => return,
        };
        self.graph.findings.push(Finding::Mistake(ty.to_token_stream(), words));
    }

    /// What a stream carries, if its operators only choose among the records of a port.
    fn record_of(&self, flow: &Flow) -> Option<Type> {
        const CHOOSE: [&str; 5] = ["filter", "inspect", "window", "share", "distinct"];
        match flow {
            Flow::Use { binding, .. } => {
                let from = self.graph.bindings[*binding].stream.from;
                match &self.graph.nodes[from].what {
                    What::Source(record) => Some(record.clone()),
                    _ => None,
                }
            }
            Flow::Operator { from, call, .. } if CHOOSE.iter().any(|name| call.method == name) => {
                self.record_of(from)
            }
            Flow::Paren(_, inner) => self.record_of(inner),
            _ => None,
        }
    }

    /// A reference to a stream, or a value of the header, as an argument of an operator that takes a stream.
    pub fn no_stream(&self, operator: &str, argument: &Expr) -> Option<Said> {
        if let Expr::Reference(reference) = argument
            && self.is_stream(&reference.expr)
        {
            let words = format!(
                "a stream is given by its name, and may be named again: fix it by removing the borrow, write `.{operator}({})`",
                written(&reference.expr)
            );
            return Some((argument.to_token_stream(), words));
        }
        let is_list = matches!(argument, Expr::Macro(list) if list.mac.path.is_ident("vec"));
        if is_list || matches!(argument, Expr::Lit(_) | Expr::Array(_) | Expr::Tuple(_)) {
            let words = format!(
                "`{operator}` takes a stream: what is known at the start is a value of the header, which `.map(move |record| ..)` or `.filter_map(..)` looks into; what changes is a source"
            );
            return Some((argument.to_token_stream(), words));
        }
        let Expr::Path(path) = argument else { return None };
        let name = path.path.get_ident()?;
        let is_hidden = self.names[1..].iter().any(|scope| scope.contains_key(&name_of(name)));
        if is_hidden || !self.values.contains(&name_of(name)) {
            return None;
        }
        let words = format!(
            "`{name}` is a value of the pipeline and no stream, and `{operator}` takes a stream: look into the value with `.map(move |record| ..)` or `.filter_map(..)`, or declare a source for what changes"
        );
        Some((name.to_token_stream(), words))
    }

    /// A name in a closure that stands for a variable around the pipeline: its pipeline is a function of its own and sees none.
    pub fn outside(&self, closure: &Expr) -> Option<Said> {
        let is_nothing = |name: &str| {
            name.starts_with(|c: char| c.is_lowercase())
                && self.named(name).is_none()
                && !self.surroundings.items.contains(name)
                && !self.surroundings.lets.contains(name)
                && !self.declared.contains(name)
                && !self.graph.unseen.contains(name)
        };
        let name = free_values(closure, is_nothing).into_iter().next()?;
        let text = name_of(&name);
        if text == "self" {
            let words = "a pipeline belongs to no value, and has no `self`: declare what it needs of it as a value, `name: Type`, in the `()` of the header";
            return Some((name.to_token_stream(), words.to_owned()));
        }
        let near = |known: &&String| known.starts_with(&text) || text.starts_with(known.as_str());
        let names: Vec<String> =
            self.names.iter().flat_map(|scope| scope.keys().cloned()).chain(parameters(closure)).collect();
        let meant =
            names.iter().find(near).map_or(String::new(), |known| format!(", unless `{known}` is meant"));
        let words = format!(
            "this pipeline knows no `{text}`, and sees no variable around it: declare a value, `{text}: Type`, in the `()` of its header, and give it at the start{meant}"
        );
        Some((name.to_token_stream(), words))
    }
}

fn parameters(closure: &Expr) -> Vec<String> {
    let Expr::Closure(closure) = closure else { return Vec::new() };
    closure.inputs.iter().flat_map(|input: &Pat| bound(input)).map(|name| name_of(&name)).collect()
}

fn named(name: &Ident, keyword: &str, made: &Expr) -> String {
    let name = name_of(name).to_lowercase();
    format!(
        "a stream is made when the job starts, and is no `{keyword}`: write `let {name} = {};`",
        written(made)
    )
}
