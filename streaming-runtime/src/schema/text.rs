//! A graph of types as text.

use std::collections::BTreeSet;

use crate::schema::graph::{Form, Graph, NodeKind, Shape};

/// A line of more bytes than this is cut; what stands for the rest is a hash of the whole.
const LINE: usize = 4096;
/// Bytes that are written of a type at most, before the line is cut. Types that hold a type twice that holds a type
/// twice, and so on, would have no end of them.
const WRITTEN: usize = 1 << 20;

pub(super) fn write(graph: &Graph, root: Shape) -> String {
    // The first time shows which types hold themselves, and so need a name.
    let mut first = TextWriter::new(graph, BTreeSet::new());
    first.shape(root);
    let mut second = TextWriter::new(graph, first.referred);
    let mut text = second.shape(root);
    if text.len() > LINE || second.left == 0 {
        text.truncate(text.floor_char_boundary(LINE));
        text.push_str(&format!(" .. #{:016x}", hash(graph, root)));
    }
    text
}

struct TextWriter<'g> {
    graph: &'g Graph,
    /// The types that are being written, and which of all that are written they are.
    open: Vec<(usize, usize)>,
    written: usize,
    /// Which are named inside of themselves.
    referred: BTreeSet<usize>,
    named: BTreeSet<usize>,
    left: usize,
}

impl<'g> TextWriter<'g> {
    fn new(graph: &'g Graph, named: BTreeSet<usize>) -> Self {
        TextWriter { graph, open: Vec::new(), written: 0, referred: BTreeSet::new(), named, left: WRITTEN }
    }

    fn shape(&mut self, shape: Shape) -> String {
        let text = match shape {
            _ if self.left == 0 => String::new(),
            Shape::Unknown => "?".to_owned(),
            Shape::Leaf(name) => name.to_owned(),
            Shape::Node(id) => match self.open.iter().find(|(open, _)| *open == id) {
                Some(&(_, number)) => {
                    self.referred.insert(number);
                    self.name(number)
                }
                None => self.node(id),
            },
        };
        self.left = self.left.saturating_sub(text.len().max(1));
        text
    }

    fn node(&mut self, id: usize) -> String {
        let number = self.written;
        self.written += 1;
        self.open.push((id, number));
        let node = self.graph.node(id);
        let part = |branch: usize, part: usize| node.branches[branch].parts.get(part).copied();
        let known = |branch, number| part(branch, number).unwrap_or_default();
        let text = match node.kind {
            NodeKind::Tuple(_) | NodeKind::Struct(_) if node.branches[0].form.is_none() => "?".to_owned(),
            NodeKind::Tuple(_) => self.tuple(&node.branches[0].parts),
            NodeKind::Struct(fields) => self.fields(fields, &node.branches[0].parts),
            NodeKind::Option => format!("Option<{}>", self.shape(known(1, 0))),
            NodeKind::Seq => format!("Vec<{}>", self.shape(known(1, 0))),
            NodeKind::Map => format!("Map<{}, {}>", self.shape(known(1, 0)), self.shape(known(1, 1))),
            NodeKind::Enum(variants) => {
                let variant = |(name, branch): (&&str, &super::graph::Branch)| {
                    let name = word(name);
                    match branch.form {
                        None => format!("{name}?"),
                        Some(Form::Unit) => name,
                        Some(Form::Tuple) => match &branch.parts[..] {
                            [part] => format!("{name}({})", self.shape(*part)),
                            parts => format!("{name}{}", self.tuple(parts)),
                        },
                        Some(Form::Struct(fields)) => {
                            format!("{name} {}", self.fields(fields, &branch.parts))
                        }
                    }
                };
                let variants: Vec<_> = variants.iter().zip(&node.branches).map(variant).collect();
                format!("enum {}", braced(&variants))
            }
        };
        self.open.pop();
        if self.named.contains(&number) { format!("{} {text}", self.name(number)) } else { text }
    }

    fn tuple(&mut self, parts: &[Shape]) -> String {
        match parts {
            // An array, on the wire a tuple.
            [one, .., last] if parts.len() >= 4 && parts.iter().all(|part| part == last) => {
                format!("[{}; {}]", self.shape(*one), parts.len())
            }
            [one] => format!("({},)", self.shape(*one)),
            _ => {
                let parts: Vec<_> = parts.iter().map(|part| self.shape(*part)).collect();
                format!("({})", parts.join(", "))
            }
        }
    }

    fn fields(&mut self, fields: &[&str], parts: &[Shape]) -> String {
        let field = |(name, part): (&&str, &Shape)| format!("{}: {}", word(name), self.shape(*part));
        braced(&fields.iter().zip(parts).map(field).collect::<Vec<_>>())
    }

    /// Named by its place among the types that have names: what their types are called does not matter.
    fn name(&self, number: usize) -> String {
        let place = self.named.range(..number).count();
        let letter = char::from(b'a' + (place % 26) as u8);
        if place < 26 { format!("'{letter}") } else { format!("'{letter}{}", place / 26) }
    }
}

fn braced(parts: &[String]) -> String {
    if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) }
}

/// A name as it is, if it is a word; others could look like something else.
fn word(name: &str) -> String {
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_word { name.to_owned() } else { format!("{name:?}") }
}

/// A hash that is the same in each process and release (FNV-1a) of all that a type is made of, each once.
fn hash(graph: &Graph, root: Shape) -> u64 {
    let mut order = Vec::new();
    let mut text = String::new();
    let mut push = |shape: Shape, order: &mut Vec<usize>| {
        let place = match shape {
            Shape::Unknown => "?".to_owned(),
            Shape::Leaf(name) => name.to_owned(),
            Shape::Node(id) => {
                let place = order.iter().position(|seen| *seen == id).unwrap_or_else(|| {
                    order.push(id);
                    order.len() - 1
                });
                place.to_string()
            }
        };
        text.push_str(&place);
        text.push(' ');
    };
    push(root, &mut order);
    let mut next = 0;
    let mut kinds = String::new();
    while let Some(&id) = order.get(next) {
        let node = graph.node(id);
        kinds.push_str(&format!("{:?}", node.kind));
        for branch in &node.branches {
            kinds.push_str(&format!("{:?}{}", branch.form, branch.parts.len()));
            branch.parts.iter().for_each(|part| push(*part, &mut order));
        }
        next += 1;
    }
    let bytes = kinds.bytes().chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
