//! The rules of a pipeline as a whole. rustc checks each operator; what only shows in the graph is here.
//!
//! Each rule is a function under a sentence that says why. Rules about something being absent come last and
//! only if nothing else is wrong: what is missing may stand in the statement that failed.

mod absence;
mod wording;

use crate::{
    durations::spell,
    errors::Errors,
    graph::{Finding, Graph, NodeId, What},
};
use absence::{unread_sources, unused_streams, unwritten_sinks};
use wording::{control_flow, ends, no_multiple, send_on};

/// Asks every rule.
pub fn check(graph: &Graph, errors: &Errors) {
    for finding in &graph.findings {
        worded(graph, finding, errors);
    }
    if graph.incomplete || graph.unbound || !errors.is_empty() {
        return;
    }
    unused_streams(graph, errors);
    unread_sources(graph, errors);
    if errors.is_empty() {
        unwritten_sinks(graph, errors);
    }
}

fn worded(graph: &Graph, finding: &Finding, errors: &Errors) {
    match finding {
        // The graph is fixed when the job starts; a closure runs for each record.
        Finding::InClosure(name) => errors.push_and_lose_body(
            name,
            format!("stream `{name}` cannot be used inside a closure of another: `.join(..)` or `.union(..)` the two streams instead"),
        ),
        // The graph is fixed when the job starts, so nothing can be decided about it later.
        Finding::InControlFlow { name, keyword, at } => {
            errors.push_and_lose_body(at, control_flow(graph, name, keyword));
        }
        // What stands behind it would be missing, and a sink that gets nothing lets everybody wait.
        Finding::Leaves(at) => errors.push_and_lose_body(
            at,
            "`return` cannot leave a pipeline, the graph of streams is fixed when the job starts: decide before the job is started, or per record, with `.filter(..)`",
        ),
        // The plan and the ids would name what is not there, and a sink may get nothing.
        Finding::Conditional(at) => errors.push_and_lose_body(
            at,
            "a stream cannot depend on `cfg`, the plan of the pipeline has it either way: put the `cfg` on the whole `stream!`, or on the function that the stream is given to",
        ),
        // What stands there was reported already, or the header without streams.
        Finding::NoResult(_) if !errors.is_empty() => {}
        // Streams are lazy: what is not returned does nothing.
        Finding::NoResult(at) => errors.push_and_lose_body(
            at,
            "a stage returns a stream, or a tuple of streams: let its last line be that, without a `;`",
        ),
        // Which of them would be the batch's?
        Finding::TwoSinks(first, second) => errors.push_and_lose_body(
            second,
            format!("a stream is sent to one sink at a time: write `.to({first})`, give the stream a name with `let`, and `.to({second})` in a line of its own"),
        ),
        // A sink only takes.
        Finding::SinkFirst(name) => errors.push_and_lose_body(
            name,
            format!("`{name}` is a sink, and it is the stream that is sent: write `stream.to({name})`"),
        ),
        // Operators are methods.
        Finding::Between(at, Some(sink)) => {
            errors.push_and_lose_body(at, format!("a stream is sent to a sink by `.to({sink})`"));
        }
        Finding::Between(at, None) => errors.push_and_lose_body(
            at,
            "streams are put together by operators that are methods: `.union(..)` for all records of both, `.join(..)` by key",
        ),
        // A header that was reported may have been meant to declare it.
        Finding::Outside(..) if !errors.is_empty() => {}
        Finding::Outside(at, words) => errors.push_and_lose_body(at, words),
        // Its words are its own.
        Finding::Mistake(at, words) => errors.push_and_lose_body(at, words),
        // Workers do not wait: a call that takes long would hold up every batch.
        Finding::Waits(operator, at) => errors.push_and_lose_body(
            at,
            format!("`{operator}` does not wait for a future: `.await` where the records come from, in a task that sends to `channel()`; or behind a sink, and send what comes back into a source of its own"),
        ),
        // rustc would only say that there is no such name.
        Finding::Early(name) => errors.push_and_lose_body(
            name,
            format!("`{name}` is made below: move its `let` up; a stream that feeds itself is a loop, `.iterate(|stream| ..)`"),
        ),
        // Streams are lent to a closure for longer than it can say.
        Finding::ToClosure(name) => errors.push_and_lose_body(
            name,
            format!("`{name}` is a closure, and what takes a stream is a function: write `fn {name}<'s>(stream: Stream<'s, T>) -> Stream<'s, U> {{ .. }}`, in this body or outside, or a `stage!`"),
        ),
        // A stream is what its operators make it; nothing takes its place later.
        Finding::Assigned(name) => errors.push_and_lose_body(
            name,
            format!("a stream is given its name once, with `let`: write `let {name} = ...`"),
        ),
        // The sink's name is how the program wires it.
        Finding::SinkShadowed(name) => {
            errors.push_and_lose_body(name, format!("`{name}` is a sink of this pipeline: give this `let` another name"));
        }
        // A stream leaves through a port, so that the program decides where it goes.
        Finding::NotASink(name) => {
            errors.push_and_lose_body(name, format!("`{name}` is no sink of this pipeline: {}", graph.sinks()));
        }
        // Which of the two would be the batch?
        Finding::SecondStream(to, node) => {
            let sink = &graph.nodes[*node].name;
            errors.push(
                to,
                format!("sink `{sink}` already has a stream: `.union(..)` the two, then `.to({sink})` once"),
            );
        }
        // Streams are lazy: without an end nothing happens. A header without a sink was reported already.
        // What cannot stand in a loop is reported, and the loop may have had its way out there.
        Finding::Dangling(..) if graph.findings.iter().any(|other| matches!(other, Finding::NotInLoop(_))) => {}
        // What was to be sent on may stand in what is wrong.
        Finding::Dangling(..) if graph.findings.iter().any(|other| matches!(other, Finding::Mistake(..))) => {}
        // A loop's body is a value: rustc would miss it as well.
        Finding::Dangling(last, true) => errors.push_and_lose_body(
            last,
            "this stream goes nowhere: the last line of a loop's body is what goes round, without a `;`, and the others are bound with `let`",
        ),
        // A loop is repeated within a batch; what lasts or leaves stands outside of it.
        Finding::NotInLoop(operator) => errors.push_and_lose_body(
            operator,
            format!("`{operator}` cannot be repeated: put it before the loop, or behind it"),
        ),
        // rustc would say that it cannot infer the closure's types.
        Finding::Shape(operator, words) => errors.push_and_lose_body(operator, words),
        // It may be what was to be returned, which rustc would miss as well.
        Finding::Dangling(last, false) if graph.stage.is_some() => errors.push_and_lose_body(
            last,
            format!("this stream goes nowhere: {}, without a `;`, or bind it with `let`", send_on(graph)),
        ),
        // The running program would say it too late.
        Finding::Nothing(number, why) => errors.push(number, format!("{why}: write 1 or more")),
        // A tuple has no operators.
        Finding::Two(operator, names) => errors.push_and_lose_body(
            operator,
            format!("`{operator}` makes two streams: give each a name, `let {names} = ...`"),
        ),
        // A unit value has no operators.
        Finding::After(operator, end) => errors.push_and_lose_body(
            operator,
            format!("nothing comes after `{end}`: give the stream before it a name, `let name = ...`, and read it as often as you like"),
        ),
        // A record that failed must not vanish because nobody thought of it.
        Finding::Unread(at, operator) => errors.push(
            at,
            format!("what fails in `{operator}` goes nowhere: give it a name, and {}", ends("failed")),
        ),
        // A window has one slide. What is made of windows is renewed with each.
        Finding::Slides(operator, one, other) => {
            let (one, other) = (spell(*one), spell(*other));
            errors.push_and_lose_body(
                operator,
                format!("these windows slide every `{one}` and every `{other}`, and `{operator}` makes one window of them: give them one slide, or unite what operators make of them, or `.snapshot()` both"),
            );
        }
        Finding::Dangling(..)
            if graph.stage.is_none() && !graph.nodes.iter().any(|node| matches!(node.what, What::Sink(_))) => {}
        Finding::Dangling(last, false) => errors.push(
            last,
            format!("this stream goes nowhere: {}, or bind it with `let`", send_on(graph)),
        ),
        // State is found again by the operator's name after a rebuild.
        Finding::StateTwice(node) => state_twice(graph, *node, errors),
        // A window is cut where batches are.
        Finding::Window { lengths, slide } => {
            for (expr, length) in lengths {
                if let Some(message) = no_multiple(*length, *slide, graph.batch == Some(*slide)) {
                    errors.push_and_lose_body(expr, message);
                }
            }
        }
    }
}

fn state_twice(graph: &Graph, node: NodeId, errors: &Errors) {
    let second = &graph.nodes[node];
    let (name, place) = (&second.name, &second.place);
    let place =
        if place.is_empty() { "what the stage returns".to_owned() } else { format!("the name `{place}`") };
    let message = format!(
        "a second `{name}` under {place}: both keep state, and an edit could swap the two; give one a name of its own, `let name = ...`"
    );
    errors.push_and_lose_body(&second.ident, message);
}
