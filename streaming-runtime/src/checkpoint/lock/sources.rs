//! Whether the sources of a program can go on where those of another program were.
//!
//! A source is identified by its port. Under another name it would begin at its beginning, and its records would count twice; the logged
//! input of a removed source would stay for ever. Both are refused until the author declares `.renamed(old, new)` or `.forget(port)`, as
//! for operators. A source whose kind of recovery has changed is refused, too, since positions of the old kind mean nothing to the new.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::{
    ReplayOrigin, SourceEntry,
    lock::carry::{Declared, forget, renamed},
};

/// What has to be done so that the sources can go on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CarriedSources {
    /// Old port and new port.
    pub(crate) rename: BTreeMap<String, String>,
    /// Ports of which the checkpoint forgets all.
    pub(crate) forget: BTreeSet<String>,
}

impl Declared {
    /// The declarations about operators, and those about sources.
    pub(crate) fn parted(self, is_source: impl Fn(&str) -> bool) -> (Declared, Declared) {
        let of_source = |(old, new): &(String, String)| is_source(old) || is_source(new);
        let (ports_renamed, renamed) = self.renamed.into_iter().partition(of_source);
        let (ports_forgotten, forgotten) = self.forgotten.into_iter().partition(|id| is_source(id));
        (Declared { renamed, forgotten }, Declared { renamed: ports_renamed, forgotten: ports_forgotten })
    }
}

/// Compares the sources of a program with those of the one that wrote the checkpoint.
///
/// # Errors
/// All that stands against going on, each with what to do. Nothing is touched then.
pub(crate) fn carry_sources(
    old: &[SourceEntry],
    new: &[SourceEntry],
    declared: &Declared,
) -> Result<CarriedSources, Vec<String>> {
    let find = |sources: &'_ [SourceEntry], port: &str| sources.iter().position(|source| source.port == port);
    let mut carried = CarriedSources::default();
    let mut refusals = Vec::new();
    for SourceEntry { port, replay_origin: was } in old {
        let here = find(new, port).map(|at| (port, &new[at].replay_origin));
        let to = declared.renamed.iter().find(|(from, _)| from == port).map(|(_, to)| to);
        let is_forgotten = declared.forgotten.contains(port);
        let target = here.or_else(|| {
            let to = to
                .filter(|to| find(old, to).is_none() && !carried.rename.values().any(|other| other == *to))?;
            Some((to, &new[find(new, to)?].replay_origin))
        });
        match (target, to) {
            (Some((to, is)), _) if was.can_resume_as(is) => {
                if to != port {
                    carried.rename.insert(port.clone(), to.clone());
                }
            }
            _ if is_forgotten => {
                carried.forget.insert(port.clone());
            }
            (Some((_, is)), _) => refusals.push(format!(
                "source `{port}`: its records {}, and now they {}: where it was says nothing of where it is to go on; \
                 declare `{}` to begin anew",
                was.says(),
                is.says(),
                forget(port)
            )),
            (None, Some(to)) => refusals.push(format!("source `{port}`: `{}` is declared, and `{to}` is no new source of the program: correct the name", renamed(port, to))),
            (None, None) => {
                let mut fix = String::new();
                for to in new.iter().filter(|to| find(old, &to.port).is_none() && was.can_resume_as(&to.replay_origin)).take(3) {
                    fix.push_str(&format!("`{}` if it has another name now, or ", renamed(port, &to.port)));
                }
                refusals.push(format!(
                    "source `{port}`: the program has no such source, and the checkpoint knows how far it was: declare \
                     {fix}`{}` if it is gone",
                    forget(port)
                ));
            }
        }
    }
    if refusals.is_empty() { Ok(carried) } else { Err(refusals) }
}

impl ReplayOrigin {
    /// Whether a source goes on where one of another kind was. What was lost in any case may be logged from now on.
    fn can_resume_as(&self, is: &ReplayOrigin) -> bool {
        match (self, is) {
            (ReplayOrigin::Never, ReplayOrigin::FromSource) => false,
            (ReplayOrigin::Never, _) => true,
            (ReplayOrigin::FromSource, is) => *is == ReplayOrigin::FromSource,
            // Whether it can read what is logged is known when it is known whether anything is.
            (ReplayOrigin::FromLog { .. }, is) => matches!(is, ReplayOrigin::FromLog { .. }),
        }
    }

    fn says(&self) -> &'static str {
        match self {
            ReplayOrigin::Never => "do not come again after a crash",
            ReplayOrigin::FromSource => "come again from the source itself",
            ReplayOrigin::FromLog { .. } => "come again from the checkpoint",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(port: &str, replay_origin: &ReplayOrigin) -> SourceEntry {
        SourceEntry { port: port.to_owned(), replay_origin: replay_origin.clone() }
    }

    fn files(ports: &[&str]) -> Vec<SourceEntry> {
        ports.iter().map(|port| source(port, &ReplayOrigin::FromSource)).collect()
    }

    fn declared(renamed: &[(&str, &str)], forgotten: &[&str]) -> Declared {
        let renamed = renamed.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
        Declared { renamed, forgotten: forgotten.iter().map(|port| port.to_string()).collect() }
    }

    fn carried(renamed: &[(&str, &str)], forgotten: &[&str]) -> Result<CarriedSources, Vec<String>> {
        let (old, new) = (files(&["orders", "refunds"]), files(&["refunds", "sales"]));
        carry_sources(&old, &new, &declared(renamed, forgotten))
    }

    #[test]
    fn a_port_that_is_gone_has_to_be_declared() {
        let refusals = carried(&[], &[]).expect_err("`orders` is gone");
        assert_eq!(refusals.len(), 1);
        for words in ["source `orders`", ".renamed(\"orders\", \"sales\")", ".forget(\"orders\")"] {
            assert!(refusals[0].contains(words), "{}", refusals[0]);
        }
        assert_eq!(carried(&[("orders", "sales")], &[]).expect("declared").rename["orders"], "sales");
        assert!(carried(&[], &["orders"]).expect("declared").forget.contains("orders"));
        carried(&[("orders", "refunds")], &[]).expect_err("`refunds` has its own place");
        // What was carried out is harmless.
        let done = declared(&[("orders", "sales")], &["gifts", "sales"]);
        let carried = carry_sources(&files(&["sales"]), &files(&["sales"]), &done);
        assert_eq!(carried, Ok(CarriedSources::default()));
    }

    #[test]
    fn a_source_of_another_kind_has_to_be_declared() {
        let logged = |of: &str| ReplayOrigin::FromLog { records: of.to_owned() };
        let (lost, file, log, other) =
            (ReplayOrigin::Never, ReplayOrigin::FromSource, logged("u8"), logged("u16"));
        let resumable =
            [(&lost, &lost), (&lost, &log), (&lost, &other), (&file, &file), (&log, &log), (&log, &other)];
        for was in [&lost, &file, &log] {
            for is in [&lost, &file, &log, &other] {
                let (old, new) = ([source("in", was)], [source("in", is)]);
                let forgotten = carry_sources(&old, &new, &declared(&[], &["in"])).expect("it is declared");
                let renamed = carry_sources(&old, &[source("to", is)], &declared(&[("in", "to")], &[]));
                let carried = carry_sources(&old, &new, &Declared::default());
                if resumable.contains(&(was, is)) {
                    assert_eq!(carried, Ok(CarriedSources::default()), "{was:?} {is:?}");
                    assert_eq!(renamed.expect("of the same kind").rename["in"], "to");
                    assert!(forgotten.forget.is_empty(), "there is nothing to forget: {was:?} {is:?}");
                } else {
                    let what = carried.expect_err("of another kind").join("; ");
                    let words = ["source `in`", was.says(), is.says(), ".forget(\"in\")"];
                    words.iter().for_each(|words| assert!(what.contains(words), "{what}"));
                    renamed.expect_err("of another kind");
                    assert!(forgotten.forget.contains("in"));
                }
            }
        }
    }

    #[test]
    fn what_names_a_source_is_said_of_it() {
        let declared =
            declared(&[("a/b/c", "a/d/c"), ("orders", "sales"), ("a/b/x", "a/b/y")], &["orders", "a/e/f"]);
        let (operators, ports) = declared.parted(|id| id == "sales" || id == "orders");
        assert_eq!((operators.renamed.len(), operators.forgotten.len()), (2, 1));
        assert_eq!((ports.renamed.len(), ports.forgotten.len()), (1, 1));
    }
}
