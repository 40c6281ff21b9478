//! A plan as a tree for a terminal.

use std::{collections::HashSet, fmt};

use super::{Edge, Exchange, Node, NodeKind, Plan, Way};
use crate::contract::{delivery::Delivery, recovery::Recovery};

/// A tree from each source on, one line an operator. What is read from several sides stands where it is met first, and is named
/// from the others.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, a batch every {:?}", self.pipeline, self.batch)?;
        let mut tree = Tree { plan: self, seen: HashSet::new() };
        // What no source leads to, as behind a function that makes streams of its own, begins a tree as well.
        let sources = self.nodes.iter().filter(|node| node.kind == NodeKind::Source);
        for node in sources.chain(&self.nodes) {
            if tree.seen.insert(&node.id) {
                write!(f, "\n{}", label(node))?;
                tree.below(f, node, "  ")?;
            }
        }
        Ok(())
    }
}

struct Tree<'a> {
    plan: &'a Plan,
    /// The nodes that stand above.
    seen: HashSet<&'a str>,
}

impl<'a> Tree<'a> {
    /// Writes what reads a node. One reader stands below the other; several are branches.
    fn below(&mut self, f: &mut fmt::Formatter<'_>, node: &'a Node, margin: &str) -> fmt::Result {
        let mut node = node;
        loop {
            let edges: Vec<&Edge> = self
                .plan
                .edges
                .iter()
                .filter(|edge| edge.from == node.id && edge.way != Way::Returns)
                .collect();
            let [edge] = edges[..] else {
                for (at, edge) in edges.iter().enumerate() {
                    let is_last = at + 1 == edges.len();
                    let (branch, next) = if is_last { ("└ ", "  ") } else { ("├ ", "│ ") };
                    if let Some(to) = self.line(f, edge, &format!("{margin}{branch}"))? {
                        self.below(f, to, &format!("{margin}{next}"))?;
                    }
                }
                return Ok(());
            };
            match self.line(f, edge, &format!("{margin}→ "))? {
                Some(to) => node = to,
                None => return Ok(()),
            }
        }
    }

    /// Writes the node that an edge leads to; it is returned if what reads it is not written yet.
    fn line(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        edge: &'a Edge,
        begin: &str,
    ) -> Result<Option<&'a Node>, fmt::Error> {
        let Some(to) = self.plan.node(&edge.to) else { return Ok(None) };
        let output = edge.output.as_ref().map(|output| format!("{output}: ")).unwrap_or_default();
        write!(f, "\n{begin}{output}")?;
        if !self.seen.insert(&to.id) {
            let again = if edge.way == Way::Again { "again to" } else { "to" };
            write!(f, "{again} {} ({}), see above", to.name, to.detail)?;
            return Ok(None);
        }
        write!(f, "{}", label(to))?;
        if edge.exchange != Exchange::Stay {
            write!(f, ", {}", edge.exchange.name())?;
        }
        if let Some(kept) = &to.keeps {
            write!(f, "; keeps {}: {}", kept.what, kept.lowering)?;
        }
        Ok(Some(to))
    }
}

fn label(node: &Node) -> String {
    let Node { name, detail, .. } = node;
    match (node.kind, node.recovery, node.delivery) {
        (NodeKind::Source, recovery, _) => {
            let after = match recovery {
                None => "",
                Some(Recovery::Lost) => ", lost in a crash",
                Some(Recovery::Replays) => ", replays",
                Some(Recovery::Logged) => ", in the job's log",
            };
            format!("source {name}: {detail}{after}")
        }
        (NodeKind::Sink, _, delivery) => {
            let after = match delivery {
                None => "",
                Some(Delivery::AtLeastOnce) => ", at least once",
                Some(Delivery::Idempotent) => ", idempotent",
                Some(Delivery::Transactional) => ", transactional",
            };
            format!("sink {name}: {detail}{after}")
        }
        _ if detail.is_empty() => name.clone(),
        _ => format!("{name} ({detail})"),
    }
}
