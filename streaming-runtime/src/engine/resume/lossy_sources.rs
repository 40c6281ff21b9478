//! Sources that begin anew while the state behind them does not.
//!
//! It is not known whether such a source sends its earlier records again. State that lasts contains them. So a list that is read again
//! after a restart is added to itself, and what was removed from the list meanwhile stays in the state for ever.

use crate::{
    checkpoint::OperatorState, contract::recovery::Recovery, engine::resume::connectors::RecoveringSource,
};

/// What to say of each source that loses and feeds state that lasts, unless that is meant.
pub(crate) fn warnings(
    sources: &[RecoveringSource],
    operators: &[OperatorState],
    feeds: &[(&str, &[&str])],
    meant: &[String],
) -> Vec<String> {
    let loses = |source: &&RecoveringSource| {
        source.recovery() == Recovery::Lost && !meant.iter().any(|port| port == source.port())
    };
    let warning = |source: &RecoveringSource| {
        let port = source.port();
        let fed = operators.iter().filter(|operator| {
            operator.shape.lasts && feeding(&operator.id, feeds).is_none_or(|ports| ports.contains(&port))
        });
        let fed: Vec<String> = fed.map(|operator| format!("`{}`", operator.id)).collect();
        (!fed.is_empty()).then(|| {
            format!(
                "source `{port}` begins anew when the job is started again, and what {} keep{} of it does not: records may be \
                 missing from that or be in it twice, and what a list does not have any more stays. Wrap the source in \
                 `durable(..)` if its records come once, let them be taken into a window if they are all sent again, or \
                 declare `.may_lose({port:?})` if that is meant",
                fed.join(", "),
                if fed.len() == 1 { "s" } else { "" },
            )
        })
    };
    sources.iter().filter(loses).filter_map(warning).collect()
}

/// The sources of an operator; `None` of one that the plan does not know.
fn feeding<'a>(id: &str, feeds: &'a [(&str, &'a [&'a str])]) -> Option<&'a [&'a str]> {
    let of = |id: &str| feeds.iter().find(|(known, _)| *known == id).map(|(_, ports)| *ports);
    // The second of several operators with one name has a number, and those of a helper stand below it.
    let mut id = id;
    loop {
        if let Some(ports) = of(id) {
            return Some(ports);
        }
        id = &id[..id.rfind(['#', '/'])?];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_found_by_its_id_or_by_what_it_stands_in() {
        let feeds: &[(&str, &[&str])] = &[("p/a/join", &["x", "y"]), ("p/b/sum#2", &["z"])];
        let of = |id| feeding(id, feeds).map(<[&str]>::to_vec);
        assert_eq!(of("p/a/join"), Some(vec!["x", "y"]));
        assert_eq!(of("p/a/join#2"), Some(vec!["x", "y"]));
        assert_eq!(of("p/a/join/count"), Some(vec!["x", "y"]));
        assert_eq!(of("p/b/sum#2"), Some(vec!["z"]));
        assert_eq!(of("p/b/sum"), None);
    }
}
