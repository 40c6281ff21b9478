//! Where each operator stands, as a mark: what it is made of, and how it is written.
//!
//! A name says which state an operator goes on with, and names are exchanged by mistake. The mark is kept beside the state:
//! if two operators of a new program have each other's, a start can say so. It has two parts, `inputs-own`: all that is
//! upstream of the operator, up to the sources, and its own call. Neither depends on what anything is bound to, nor on the
//! order of statements, nor on blanks and comments.

use crate::{
    graph::{Edge, Graph, What},
    tokens::name_of,
};

/// The mark of each node.
pub fn marks(graph: &Graph) -> Vec<String> {
    let mut whole = Vec::<u64>::with_capacity(graph.nodes.len());
    let mut marks = Vec::with_capacity(graph.nodes.len());
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut inputs = Hash::default();
        for input in &node.inputs {
            // A sink stands before what is sent to it, and has no mark that anyone asks for.
            inputs.add(&whole.get(input.from).copied().unwrap_or_default().to_le_bytes());
            inputs.add(&output(graph, input).to_le_bytes());
        }
        let mut own = Hash::default();
        match (&node.what, &graph.stage) {
            // Whoever calls a stage has other names for its streams.
            (What::Source(_), Some(_)) => own.add(&(at as u64).to_le_bytes()),
            (What::Source(_) | What::Sink(_), _) => own.add(name_of(&node.ident).as_bytes()),
            (What::Operator | What::Function, _) => own.add(node.text.as_bytes()),
        }
        let mut both = Hash::default();
        both.add(&inputs.0.to_le_bytes());
        both.add(&own.0.to_le_bytes());
        whole.push(both.0);
        marks.push(format!("{:016x}-{:016x}", inputs.0, own.0));
    }
    marks
}

/// Which of the outputs of a node a stream is.
fn output(graph: &Graph, edge: &Edge) -> u64 {
    let output = edge.output.as_deref();
    output.and_then(|output| graph.nodes[edge.from].place_of_output(output)).map_or(0, |place| place as u64)
}

/// FNV-1a of 64 bits: the same in every release, since it is compared with what another one has written.
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}
