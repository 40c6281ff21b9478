//! The `stream!` macro. Depend on `streaming-runtime`, which re-exports it.
//!
//! # Architecture
//!
//! One pass a file, each handing its result to the next:
//!
//! ```text
//! parse       header -> Item        tolerant    body -> statements, some with holes
//! resolve     statements -> Graph   flows       its part for expressions; scope: names that closures hide
//! check       Graph -> errors
//! lower       Graph -> body         plan        Graph -> Mermaid, DOT, operator ids
//! keeping     Graph -> what each operator holds, for the plan
//! marks       Graph -> where each operator stands, for state that changes its name
//! emit        all of these -> items     calls: what pipelines say, with the stages that they call
//! stage       the same for `stage!`: its header, and its items
//! ```
//!
//! `lend` knows the closures that need not copy their words, `owned` the types that borrow, `operators` is the
//! one table of what is known about operators, `shape` how those with several arguments are called, `time` reads duration literals, `errors` gathers mistakes.
//!
//! # Invariants
//!
//! - The macro decides nothing by type. It names operators, finds the graph and leaves types to rustc.
//! - It knows the runtime only as a path that it is given: `$crate`, which syn need not understand.
//! - Each token of the author's appears once in the lowered body, and in source order; what is generated
//!   takes the span of the `.` that it belongs to. Editors work inside only because of this.
//! - Text before a cursor does not depend on what an editor writes at the cursor.
//! - One mistake gives one error. The items of the header are emitted whatever was found, so that code which
//!   names the pipeline does not fail as well.
//! - An unknown operator is never an error here: users add operators with extension traits.
//! - A stage is known by its call alone: what it says of itself is found by rustc, never by another expansion.
//! - An operator's id depends on its name and on the `let` or the sink that it works for, never on the order
//!   of statements.
//! - A pipeline may stand wherever an item may, in a function too: no path leads out of an item.

mod calls;
mod check;
mod emit;
mod errors;
mod flows;
mod graph;
mod keeping;
mod lend;
mod lower;
mod marks;
mod operators;
mod owned;
mod parse;
mod plan;
mod resolve;
mod scope;
mod shape;
mod stage;
mod time;
mod tolerant;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Declares a pipeline; see `stream!` of `streaming-runtime`, which puts its own path first.
#[proc_macro]
pub fn stream(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into()).into()
}

/// Declares a stage, a part that pipelines share; see `stage!` of `streaming-runtime`, which puts its own path first.
#[proc_macro]
pub fn stage(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_stage(input.into()).into()
}

fn expand_stage(input: TokenStream) -> TokenStream {
    let input = match syn::parse2::<stage::Input>(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let errors = errors::Errors::default();
    let (item, signature) = input.read(&errors);
    let graph = resolve::resolve(&item);
    check::check(&graph, &errors);
    let body = lower::lower(&graph, &item.runtime);
    stage::emit(&item, &signature, &graph, body, errors)
}

fn expand(input: TokenStream) -> TokenStream {
    let input = match syn::parse2::<parse::Input>(input) {
        Ok(input) => input,
        // There is no header to speak of, so nothing else can be emitted.
        Err(error) => return error.to_compile_error(),
    };
    let errors = errors::Errors::default();
    let item = parse::Item::new(input, &errors);
    let graph = resolve::resolve(&item);
    check::check(&graph, &errors);
    let body = lower::lower(&graph, &item.runtime);
    emit::emit(&item, &graph, body, errors)
}
