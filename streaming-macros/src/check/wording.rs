//! Sentences that several rules use, or that depend on what the program has.

use crate::{
    durations::{Length, spell},
    graph::{Graph, What},
};

/// What is said of a stream inside control flow.
pub fn control_flow(graph: &Graph, name: &proc_macro2::Ident, keyword: &str) -> String {
    let fixed = "the graph of streams is fixed when the job starts";
    match keyword {
        "{ .. }" => format!(
            "stream `{name}` cannot be used inside a block: write its statements straight into the body"
        ),
        "?" | "return" | "break" => {
            format!(
                "`{keyword}` cannot leave a pipeline, {fixed}: handle what fails per record, with `.try_map(..)`"
            )
        }
        "async" | ".await" => {
            format!("stream `{name}` is no future, {fixed}: await the job that it runs in instead")
        }
        "for" => {
            format!(
                "stream `{name}` cannot be used inside `for`, {fixed}: what is done with each record says `.map(|record| ..)`, `.flat_map(..)` or `.inspect(..)`; for a list that is known now write a line for each, `let one = {name}...;`, and `.union(..)` them, with a function or a `stage!` for what they have in common; to repeat operators so often `.iterate_at_most(10, |stream| ..)`"
            )
        }
        "while" | "loop" => {
            format!(
                "stream `{name}` cannot be used inside `{keyword}`, {fixed}: the body runs once, and its operators, such as `.map(|record| ..)`, then see every record; to repeat operators until nothing changes use `.iterate(..)`"
            )
        }
        _ => format!(
            "stream `{name}` cannot be used inside `{keyword}`, {fixed}: decide per record, with `.filter(..)` or `.split(..)`{}; how many records a batch has is a stream, `.count()`",
            if graph.nodes.iter().filter(|node| matches!(node.what, What::Sink(_))).count() > 1 {
                " and a sink for each part"
            } else {
                ""
            }
        ),
    }
}

/// How a stream leaves, with the sink's name where there is only one.
pub fn send_on(graph: &Graph) -> String {
    if graph.stage.is_some() {
        return "return it in the last line".to_owned();
    }
    let mut sinks = graph.nodes.iter().filter(|node| matches!(node.what, What::Sink(_)));
    match (sinks.next(), sinks.next()) {
        (Some(only), None) => format!("send it on with `.to({})`", only.name),
        _ => "send it on with `.to(..)`".to_owned(),
    }
}

/// Why a length is no window over a stream that is renewed every `slide`, if it is none.
pub fn no_multiple(length: Length, slide: u64, is_batch: bool) -> Option<String> {
    let (unit, of) = match is_batch {
        true => ("batches", format!("the batch interval `{}`", spell(slide))),
        false => ("slides of the window before it", format!("its slide `{}`", spell(slide))),
    };
    let Length { millis, .. } = length;
    if millis > 0 && millis.is_multiple_of(slide) {
        return None;
    }
    let below = millis / slide * slide;
    let above = below.saturating_add(slide);
    let nearest = match below {
        0 => format!("write at least `{}`", length.spell_like(above)),
        below => format!("write `{}` or `{}`", length.spell_like(below), length.spell_like(above)),
    };
    let what = length.spell_like(millis);
    Some(format!("a window is a whole number of {unit}, and `{what}` is no multiple of {of}: {nearest}"))
}

// Where what fails can go.
pub fn ends(name: &str) -> String {
    format!(
        "say where it goes: `{name}.to(..)` sends it to a sink of its own, `{name}.skip()` drops it and counts, `{name}.fail()` ends the job at the first"
    )
}
