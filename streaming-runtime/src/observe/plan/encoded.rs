//! A plan as one text, which the macro writes and `const` functions put together.
//!
//! A line each, with fields between tabs; empty where there is nothing to say:
//!
//! ```text
//! plan  pipeline  milliseconds
//! open  loop | fused | stage  id of the first node or the call  name
//! node  kind  id  name  detail  what it keeps  lowering
//! close
//! edge  from  to  output  "" | by key | evenly | to one  "" | again | returns
//! ```
//!
//! Nodes and groups of a stage, or of the pipeline, come first, then edges, then the stages that it calls.

use std::{fmt::Write, time::Duration};

use super::{Edge, Exchange, Group, GroupKind, Node, NodeKind, Plan, StoredState, Way};

/// Each kind with its name.
macro_rules! named {
    ($kind:ident { $($name:literal = $variant:ident),+ $(,)? }) => {
        impl $kind {
            fn named(name: &str) -> Self {
                match name {
                    $($name => $kind::$variant,)+
                    _ => panic!("`{name}` is none of the words of a plan"),
                }
            }
            pub(super) fn name(self) -> &'static str {
                match self {
                    $($kind::$variant => $name,)+
                }
            }
        }
    };
}
named!(NodeKind {
    "source" = Source,
    "sink" = Sink,
    "stateless" = Stateless,
    "routing" = Routing,
    "keyed" = Keyed,
    "global" = Global,
    "stateful" = Stateful,
    "opaque" = Opaque,
});
named!(GroupKind { "loop" = Loop, "fused" = Fused, "stage" = Stage });
named!(Exchange { "" = Stay, "by key" = ByKey, "evenly" = Evenly, "to one" = ToOne });
named!(Way { "" = Forward, "again" = Again, "returns" = Returns });

impl Plan {
    /// Reads what the macro wrote.
    #[doc(hidden)]
    pub fn of_encoded(encoded: &str) -> Self {
        let mut plan = Plan::default();
        let mut open: Vec<(GroupKind, String)> = Vec::new();
        for line in encoded.lines() {
            let mut fields = line.split('\t');
            let what = fields.next().unwrap_or_default();
            let mut field = || fields.next().unwrap_or_default().to_owned();
            let group = open.last().map(|(_, id)| id.clone());
            match what {
                "plan" => {
                    plan.pipeline = field();
                    plan.batch = Duration::from_millis(field().parse().unwrap_or_default());
                }
                "open" => {
                    let kind = GroupKind::named(&field());
                    let id = format!("{} {}", kind.name(), field());
                    open.push((kind, id.clone()));
                    plan.groups.push(Group { id, kind, name: field(), group });
                }
                "node" => {
                    let (kind, id, name, detail) = (NodeKind::named(&field()), field(), field(), field());
                    let (what, lowering) = (field(), field());
                    let keeps = (!what.is_empty()).then_some(StoredState { what, lowering });
                    let (recovery, delivery) = (None, None);
                    plan.nodes.push(Node { id, name, kind, detail, keeps, group, recovery, delivery });
                }
                "close" => drop(open.pop()),
                "edge" => {
                    let (from, to) = (field(), field());
                    let output = Some(field()).filter(|output| !output.is_empty());
                    let (exchange, way) = (Exchange::named(&field()), Way::named(&field()));
                    let stage = open.iter().rev().find(|(kind, _)| *kind == GroupKind::Stage);
                    let stage = stage.map(|(_, id)| id.clone());
                    plan.edges.push(Edge { from, to, output, exchange, way, stage });
                }
                other => panic!("`{other}` begins no line of a plan"),
            }
        }
        plan
    }

    /// The plan as it was read.
    pub(super) fn encoded(&self) -> String {
        let mut out = format!("plan\t{}\t{}\n", self.pipeline, self.batch.as_millis());
        self.encode_level(None, &mut out);
        out
    }

    /// Writes what stands in a stage, or in the pipeline.
    fn encode_level(&self, stage: Option<&str>, out: &mut String) {
        let mut open: Vec<&Group> = Vec::new();
        for node in &self.nodes {
            let (groups, of_stage) = self.groups_of(node);
            if of_stage != stage {
                continue;
            }
            let common = open.iter().zip(&groups).take_while(|(one, other)| one.id == other.id).count();
            for _ in common..open.len() {
                out.push_str("close\n");
            }
            open.truncate(common);
            for group in &groups[common..] {
                encode_group(group, out);
                open.push(group);
            }
            let (kind, Node { id, name, detail, .. }) = (node.kind.name(), node);
            let (what, lowering) = match &node.keeps {
                Some(StoredState { what, lowering }) => (what.as_str(), lowering.as_str()),
                None => ("", ""),
            };
            let _ = writeln!(out, "node\t{kind}\t{id}\t{name}\t{detail}\t{what}\t{lowering}");
        }
        for _ in open {
            out.push_str("close\n");
        }
        for edge in self.edges.iter().filter(|edge| edge.stage.as_deref() == stage) {
            let Edge { from, to, output, exchange, way, .. } = edge;
            let (output, exchange, way) =
                (output.as_deref().unwrap_or_default(), exchange.name(), way.name());
            let _ = writeln!(out, "edge\t{from}\t{to}\t{output}\t{exchange}\t{way}");
        }
        let is_called = |group: &&Group| group.kind == GroupKind::Stage && group.group.as_deref() == stage;
        for group in self.groups.iter().filter(is_called) {
            encode_group(group, out);
            self.encode_level(Some(&group.id), out);
            out.push_str("close\n");
        }
    }

    /// The groups around a node up to the stage that it stands in, the outermost first; and that stage.
    fn groups_of(&self, node: &Node) -> (Vec<&Group>, Option<&str>) {
        let mut groups = Vec::new();
        let mut around = node.group.as_deref();
        while let Some(group) = around.and_then(|id| self.groups.iter().find(|group| group.id == id)) {
            if group.kind == GroupKind::Stage {
                groups.reverse();
                return (groups, Some(&group.id));
            }
            groups.push(group);
            around = group.group.as_deref();
            // What was edited may go round in circles.
            if groups.len() > self.groups.len() {
                break;
            }
        }
        groups.reverse();
        (groups, None)
    }
}

fn encode_group(group: &Group, out: &mut String) {
    let kind = group.kind.name();
    let first = group.id.strip_prefix(kind).unwrap_or(&group.id).trim_start();
    let _ = writeln!(out, "open\t{kind}\t{first}\t{}", group.name);
}
