//! Whether the sources of one program go on where those of another were.
//!
//! A source is its port. One that goes by another name would begin at its beginning, and what it sent before would count
//! twice; so would a gone one's logged input stay for ever. Both are refused until the author says what is meant, as of
//! operators: `.renamed(old, new)` or `.forget(port)`. Operators' ids have a slash and ports none, so one list serves both.

use std::collections::{BTreeMap, BTreeSet};

use super::carry::{Declared, forget, renamed};

/// What is to be done for the sources to go on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CarriedSources {
    /// Old port and new port.
    pub(crate) rename: BTreeMap<String, String>,
    /// Ports of which the checkpoint forgets all.
    pub(crate) forget: BTreeSet<String>,
}

impl Declared {
    /// What is said of operators, and what of sources.
    pub(crate) fn by_kind(self) -> (Declared, Declared) {
        let of_operator = |id: &String| id.contains('/');
        let (renamed, ports_renamed) = self.renamed.into_iter().partition(|(old, _)| of_operator(old));
        let (forgotten, ports_forgotten) = self.forgotten.into_iter().partition(of_operator);
        (Declared { renamed, forgotten }, Declared { renamed: ports_renamed, forgotten: ports_forgotten })
    }
}

/// Compares the sources of a program with those of the one that wrote the checkpoint.
///
/// # Errors
/// All that stands against going on, each with what to do. Nothing is touched then.
pub(crate) fn carry_sources(
    old: &[String],
    new: &[&str],
    declared: &Declared,
) -> Result<CarriedSources, Vec<String>> {
    let was = |port: &str| old.iter().any(|old| old == port);
    let mut carried = CarriedSources::default();
    let mut refusals = Vec::new();
    for port in old.iter().filter(|port| !new.contains(&port.as_str())) {
        let to = declared.renamed.iter().find(|(from, _)| from == port).map(|(_, to)| to.as_str());
        let is_taken = to.is_some_and(|to| carried.rename.values().any(|other| other == to));
        match to {
            Some(to) if new.contains(&to) && !was(to) && !is_taken => {
                carried.rename.insert(port.clone(), to.to_owned());
            }
            Some(to) => refusals.push(format!(
                "source `{port}`: `{}` is declared, and `{to}` is no new source of the program: correct the name",
                renamed(port, to)
            )),
            None if declared.forgotten.contains(port) => {
                carried.forget.insert(port.clone());
            }
            None => {
                let mut fix = String::new();
                for to in new.iter().filter(|to| !was(to)).take(3) {
                    fix.push_str(&format!("`{}` if it has another name now, or ", renamed(port, to)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(renamed: &[(&str, &str)], forgotten: &[&str]) -> Result<CarriedSources, Vec<String>> {
        let renamed = renamed.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
        let forgotten = forgotten.iter().map(|port| port.to_string()).collect();
        let old = ["orders", "refunds"].map(str::to_owned);
        carry_sources(&old, &["refunds", "sales"], &Declared { renamed, forgotten })
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
        let done =
            Declared { renamed: vec![("orders".into(), "sales".into())], forgotten: vec!["gifts".into()] };
        let carried = carry_sources(&["sales".to_owned()], &["sales"], &done);
        assert_eq!(carried, Ok(CarriedSources::default()));
    }

    #[test]
    fn operators_have_a_slash() {
        let renamed = vec![("a/b/c".into(), "a/d/c".into()), ("orders".into(), "sales".into())];
        let (operators, ports) = Declared { renamed, forgotten: vec!["orders".into()] }.by_kind();
        assert_eq!((operators.renamed.len(), operators.forgotten.len()), (1, 0));
        assert_eq!((ports.renamed.len(), ports.forgotten.len()), (1, 1));
    }
}
