//! The `stream!` macro. Depend on `streaming-runtime`, which re-exports it.
//!
//! # Architecture
//!
//! One pass a module. Each hands its result to the next, and imports only what stands above it:
//!
//! ```text
//! errors      gathers mistakes, so that all are reported at once
//! tokens      names, places and text of tokens; names of what is generated
//! durations   duration literals, such as `secs(30)`
//! operators   the table of operators: the only place that knows them by name
//! parse/      tokens -> Item: the header, ports and values; partial_parse reads the statements of a body that is being written
//! place       where neither a pipeline nor a stage may stand
//! graph       Graph: streams, operators, uses, and what was noticed on the way
//! resolve/    Item -> Graph: names, statements, expressions, calls of operators
//! check/      Graph -> errors: the rules that only show in the whole
//! plan/       Graph -> plan, what each operator holds, marks for state that changes its name
//! emit/       Graph -> Rust: lower writes the body, items those of a pipeline, stage those of a stage,
//!             fragments what pipelines say of the stages that they call
//! ```
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
//! - What is said of a pipeline (plan, operators) depends neither on its type parameters nor on its connectors.
//! - A port under a condition makes two cases of the item, each under its own `cfg`: no rule and no plan has to ask which holds.
//! - A sink is known by its name, wherever it is sent to: no other spelling is offered that would be missing in the plan.
//! - An unknown operator is never an error here: users add operators with extension traits.
//! - A stage is known by its call alone: what it says of itself is found by rustc, never by another expansion.
//! - An operator's id depends on its name and on the `let` or the sink that it works for, never on the order
//!   of statements.
//! - A pipeline may stand wherever an item may, in a function too: no path leads out of an item.

mod check;
mod durations;
mod emit;
mod errors;
mod graph;
mod operators;
mod parse;
mod place;
mod plan;
mod resolve;
mod tokens;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Declares a pipeline; see `stream!` of `streaming-runtime`, which puts its own path first.
#[proc_macro]
pub fn stream(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into()).into()
}

/// `#[batch(secs(1))]` above a `stream!` and not in it: says so, and moves it there, so that nothing else is said.
#[proc_macro_attribute]
pub fn batch(interval: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    parse::misplaced_batch(interval.into(), item.into()).into()
}

/// Declares a stage, a part that pipelines share; see `stage!` of `streaming-runtime`, which puts its own path first.
#[proc_macro]
pub fn stage(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_stage(input.into()).into()
}

fn expand(input: TokenStream) -> TokenStream {
    let misplaced = place::misplaced(&input);
    let parse::WithoutStages { tokens, stubs, mistakes } = parse::stages_in_front(input);
    let mut input = match parse::Input::read(parse::Form::Pipeline, tokens) {
        Ok(input) => input,
        // There is no header to speak of, so nothing else can be emitted.
        Err(error) => return error.to_compile_error(),
    };
    if let Some(misplaced) = misplaced {
        return misplaced.error(&input.signature.ident, parse::Form::Pipeline).to_compile_error();
    }
    input.mistakes.extend(mistakes);
    parse::cases(input).into_iter().map(expand_case).chain([stubs]).collect()
}

fn expand_case(input: parse::Input) -> TokenStream {
    let errors = errors::Errors::default();
    let item = parse::pipeline(input, &errors);
    let graph = resolve::resolve(&item);
    check::check(&graph, &errors);
    let body = emit::lower(&graph, &item.runtime);
    emit::pipeline(&item, &graph, body, errors)
}

fn expand_stage(input: TokenStream) -> TokenStream {
    let misplaced = place::misplaced(&input);
    let input = match parse::Input::read(parse::Form::Stage, input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    // A method is no stage anywhere, and says so itself.
    if let Some(misplaced) = misplaced.filter(|_| input.signature.receiver().is_none()) {
        return misplaced.in_place_of_a_stage(&input);
    }
    let errors = errors::Errors::default();
    let (item, signature) = parse::stage(input, &errors);
    let graph = resolve::resolve(&item);
    check::check(&graph, &errors);
    let body = emit::lower(&graph, &item.runtime);
    emit::stage(&item, &signature, &graph, body, errors)
}
