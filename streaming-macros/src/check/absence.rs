//! Rules about what is absent. They are asked last and only if nothing else is wrong: what is missing may stand in the
//! statement that failed.

use super::wording::{ends, send_on};
use crate::{
    errors::Errors,
    graph::{Graph, Origin, What},
    tokens::name_of,
};

/// A stream that nobody reads costs and does nothing, so it is a mistake or a leftover. What failed is never left over.
pub fn unused_streams(graph: &Graph, errors: &Errors) {
    for binding in &graph.bindings {
        let name = name_of(&binding.name);
        if binding.failures {
            if binding.uses == 0 && !graph.unseen.contains(&name) {
                errors.push(&binding.name, format!("nobody reads what failed, `{name}`: {}", ends(&name)));
            }
            continue;
        }
        let exempt = name.starts_with('_') || graph.unseen.contains(&name);
        if binding.origin == Origin::Let && binding.uses == 0 && !exempt {
            let fix = format!("{}, or delete it; start its name with `_` to keep it", send_on(graph));
            errors.push(&binding.name, format!("stream `{name}` goes nowhere: {fix}"));
        }
    }
}

/// A connector whose records nobody wants is a mistake of the header or of the body.
pub fn unread_sources(graph: &Graph, errors: &Errors) {
    for binding in &graph.bindings {
        let name = name_of(&binding.name);
        if binding.origin == Origin::Port && binding.uses == 0 && !graph.unseen.contains(&name) {
            let message = match graph.stage {
                Some(_) => {
                    format!("nothing reads stream `{name}`: start with `{name}.`, or drop the parameter")
                }
                None => {
                    format!("nothing reads source `{name}`: start a stream with `{name}.`, or drop the port")
                }
            };
            errors.push(&binding.name, message);
        }
    }
}

/// A sink that gets nothing would leave whoever waits for it waiting.
pub fn unwritten_sinks(graph: &Graph, errors: &Errors) {
    for node in &graph.nodes {
        let name = &node.name;
        // What is handed to code that cannot be seen is looked at when the pipeline is put together.
        let is_given = graph.given.contains(name) || graph.unseen.contains(name);
        if matches!(node.what, What::Sink(_)) && node.inputs.is_empty() && !is_given {
            errors.push(
                &node.ident,
                format!(
                    "nothing is sent to sink `{name}`: end a stream with `.to({name})`, or drop the port"
                ),
            );
        }
    }
}
