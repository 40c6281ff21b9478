//! What the body says: its streams, the operators between them, and where each is used.
//!
//! Invariant: `resolve` alone writes a graph. Every later pass reads it, so the rules, the lowered code and
//! the plan cannot disagree about what a name means.

use std::{collections::HashSet, ops::Range};

use proc_macro2::{Ident, TokenStream};
use syn::{Expr, ExprCall, ExprField, ExprMethodCall, Stmt, Type, token::Paren};

use crate::{
    durations::Length,
    operators::{Exchange, Kind, Memory, Operator},
    parse::Item,
    tokens::name_of,
};

/// The node of a graph, by its index.
pub type NodeId = usize;
/// A name that stands for a stream, by its index.
pub type BindingId = usize;

/// A stream that enters a node, or leaves by one of its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where it comes from.
    pub from: NodeId,
    /// Which of the outputs, where there are several: the name that `let (large, small)` gave it.
    pub output: Option<String>,
    /// Whether other readers may exist, so that the stream was materialised on its way.
    pub binding: Option<BindingId>,
}

/// What a node is.
#[derive(Clone)]
pub enum What {
    /// A source port with its record type.
    Source(Type),
    /// A sink port with its record type.
    Sink(Type),
    /// An operator, of the runtime or of the user.
    Operator,
    /// A function of the user's that takes a stream: it names its operators itself.
    Function,
}

/// An operator or a port.
pub struct Node {
    /// What it is.
    pub what: What,
    /// The operator's or port's name.
    pub name: String,
    /// The `let` or sink that it works for, with the loops around it: `reached/loop`.
    pub place: String,
    /// Its number among operators of one name at one place, from 1.
    pub number: usize,
    /// The name where it stands.
    pub ident: Ident,
    /// The streams that it reads.
    pub inputs: Vec<Edge>,
    /// What is known of it.
    pub operator: Option<Operator>,
    /// How its author wrote the call, without blanks and streams.
    pub text: String,
    /// The function that is called, if this is one that may be a stage: its path, without arguments.
    pub path: Option<syn::Path>,
    /// How often it renews what it holds, in milliseconds, if that is written out.
    pub slide: Option<u64>,
    /// Whether it delivers a window as it is.
    pub windowed: bool,
    /// Whether what it delivers holds more than one batch.
    pub past: bool,
    /// The loop in whose body it stands.
    pub inside: Option<NodeId>,
    /// For a loop: what its body delivers, and where it begins again.
    pub feedback: Option<Edge>,
}

impl Node {
    /// What it is to the plan.
    pub fn kind(&self) -> Kind {
        self.operator.map_or(Kind::Opaque, |operator| operator.kind)
    }
    /// How its input travels.
    pub fn exchange(&self) -> Exchange {
        self.operator.map_or(Exchange::No, |operator| operator.exchange)
    }
    /// Which of several outputs has that name: the place of the name in the `let`.
    pub fn place_of_output(&self, output: &str) -> Option<usize> {
        self.place.rsplit('/').next().unwrap_or_default().split('+').position(|name| name == output)
    }
    /// The name under which its state is kept: it must survive a rebuild.
    pub fn id(&self, pipeline: &str) -> String {
        let Node { name, place, number, .. } = self;
        let mut id = [pipeline, place, name].map(str::to_owned).to_vec();
        id.retain(|part| !part.is_empty());
        let id = id.join("/");
        if *number > 1 { format!("{id}#{number}") } else { id }
    }
}

/// How a name came to stand for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A source port.
    Port,
    /// A `let`, whose initialiser is a chain of known operators.
    Let,
    /// A `let` whose stream comes out of the user's own code.
    Opaque,
    /// The parameter of a loop's body.
    Loop,
}

/// A name that stands for a stream.
#[derive(Debug)]
pub struct Binding {
    /// The name where it is introduced.
    pub name: Ident,
    /// How it was introduced.
    pub origin: Origin,
    /// The stream.
    pub stream: Edge,
    /// Whether it is what failed in an operator.
    pub failures: bool,
    /// Whether it is a stream whatever the user's own code does.
    pub certain: bool,
    /// How often it is used.
    pub uses: usize,
    /// Whether a loop uses it that stands further in.
    pub enters: bool,
    /// Whether its author wrote the type, which is then the plain one.
    pub typed: bool,
    /// The loops around it.
    pub level: usize,
}

impl Binding {
    /// Whether the stream must be real, because it is read twice or from inside a loop.
    pub fn is_shared(&self) -> bool {
        self.uses > 1 || self.enters
    }
}

/// A stream-valued expression, taken apart.
pub enum Flow {
    /// A name.
    Use {
        /// The name as it stands there.
        ident: Ident,
        /// What it means.
        binding: BindingId,
        /// The loops that it must be brought into, each by the number of loops around it.
        enters: Range<usize>,
    },
    /// An operator on a stream.
    Operator {
        /// The stream before it.
        from: Box<Flow>,
        /// The call; its receiver is void, and streams in its arguments are placeholders.
        call: Box<ExprMethodCall>,
        /// The operator in the graph.
        node: NodeId,
        /// Whether its one argument is a sink of the header, by name: it is then taken by reference.
        to_sink: bool,
    },
    /// A field of what a function of the user's returned: a stream among others.
    Part {
        /// The field, as it stands there.
        field: ExprField,
        /// What it means.
        binding: BindingId,
        /// As of a name.
        enters: Range<usize>,
    },
    /// Rust in which no stream is seen, but which is sent to a sink; streams in it are placeholders.
    Rust(Box<Expr>, NodeId),
    /// A sink of the header that is handed to code of which nothing is known.
    Sink(Ident),
    /// A method that is still being typed: streams have no fields.
    Unfinished(Box<Flow>, ExprField, NodeId),
    /// A function of the user's that was given a stream; the streams are placeholders.
    Call(ExprCall, NodeId),
    /// Parentheses.
    Paren(Paren, Box<Flow>),
}

/// A stream-valued expression at its place among Rust expressions, where a placeholder stands for it.
pub struct Site {
    /// The expression.
    pub flow: Flow,
    /// Whether it is handed to code of which nothing is known.
    pub handed: bool,
    /// The call that it is handed to, if it is one with a name.
    pub call: Option<NodeId>,
    /// Whether it initialises a `let` whose names are these.
    pub binds: Vec<BindingId>,
}

/// One run of statements with placeholders for streams.
pub enum Part {
    /// Whole statements.
    Whole(Vec<Stmt>),
    /// Statements whose holes were filled; whether the last of them was given a `;`.
    Filled(Vec<Stmt>, bool),
    /// Not Rust yet.
    Broken(TokenStream),
}

/// Something that a rule looks at, noticed where the names are known. `check` judges and words it.
pub enum Finding {
    /// A stream inside a closure of an operator.
    InClosure(Ident),
    /// A stream inside control flow.
    InControlFlow {
        /// The stream's name.
        name: Ident,
        /// What it stands in.
        keyword: &'static str,
        /// Where the mistake is: the keyword of what leaves the body, otherwise the name.
        at: TokenStream,
    },
    /// The body is left before its end.
    Leaves(TokenStream),
    /// A statement with a stream that may not be compiled.
    Conditional(TokenStream),
    /// A stage returns no stream; what stands there instead.
    NoResult(TokenStream),
    /// A second sink for one stream, in one call.
    TwoSinks(Ident, Ident),
    /// A sink that something is done with, as if it were a stream.
    SinkFirst(Ident),
    /// Streams, or a stream and a sink, with an operator of Rust between them.
    Between(TokenStream, Option<Ident>),
    /// What is wrong with one call or expression by itself, and all that is to be said of it.
    Mistake(TokenStream, String),
    /// A name in a closure that the pipeline does not know, and what is to be said of it.
    Outside(TokenStream, String),
    /// The closure of that operator waits for a future, there.
    Waits(Ident, TokenStream),
    /// A name is read before its `let`.
    Early(Ident),
    /// A stream is given to a closure of that name.
    ToClosure(Ident),
    /// A stream is assigned to that name without a `let`.
    Assigned(Ident),
    /// A `let` takes the name of a sink.
    SinkShadowed(Ident),
    /// A chain ends in something that is no sink.
    NotASink(Ident),
    /// A second stream for the sink of that node.
    SecondStream(Ident, NodeId),
    /// A statement ends in a stream, with the last operator's name; whether it stands in a loop.
    Dangling(Ident, bool),
    /// An operator in a loop that no loop can repeat.
    NotInLoop(Ident),
    /// An operator that is called in another way than it is defined, and what is to be said of it.
    Shape(Ident, String),
    /// A number that cannot be 0, and why.
    Nothing(Expr, &'static str),
    /// An operator that makes two streams, where one is meant, and names for the two.
    Two(Ident, &'static str),
    /// An operator behind another that ends the stream.
    After(Ident, Ident),
    /// What fails in an operator has no name, with what stands in its place.
    Unread(TokenStream, Ident),
    /// Two windows that are united, by the operator's name, and their slides.
    Slides(Ident, u64, u64),
    /// An operator's id is taken, and one of the two holds state.
    StateTwice(NodeId),
    /// A window whose `window(size, slide)` arguments are these, and what it is applied on.
    Window {
        /// The durations that are written out.
        lengths: Vec<(Expr, Length)>,
        /// The slide of the windowed stream.
        slide: u64,
    },
}

/// The body, understood.
pub struct Graph {
    /// The pipeline's name.
    pub pipeline: String,
    /// What the pipeline or the stage is called in the plan.
    pub name: String,
    /// The batch interval in milliseconds.
    pub batch: Option<u64>,
    /// Ports first, in the order of the header, then operators in source order.
    pub nodes: Vec<Node>,
    /// Names of streams, in the order of their introduction.
    pub bindings: Vec<Binding>,
    /// Stream-valued expressions, by the number of their placeholder.
    pub sites: Vec<Site>,
    /// The body.
    pub parts: Vec<Part>,
    /// What the rules look at.
    pub findings: Vec<Finding>,
    /// Names inside of macro calls: whether they use a stream cannot be seen.
    pub unseen: HashSet<String>,
    /// Sinks that are handed to code of which nothing is known.
    pub given: HashSet<String>,
    /// Functions and `use` declarations that stand in the body.
    pub items: Vec<syn::Item>,
    /// Whether it is a stage's, and what that returns.
    pub stage: Option<Vec<Edge>>,
    /// Something did not parse, or an editor is asking: rules about absence stay silent.
    pub incomplete: bool,
    /// A name is read that nothing here has made, which rustc reports: rules about absence stay silent.
    pub unbound: bool,
}

impl Graph {
    /// The name of the operator at `node` as a stable id.
    pub fn id(&self, node: NodeId) -> String {
        self.nodes[node].id(&self.pipeline)
    }
    /// Whether an operator with these inputs remembers earlier batches.
    pub fn remembers(&self, operator: Option<Operator>, inputs: &[Edge]) -> bool {
        match operator.map(|operator| operator.memory) {
            Some(Memory::Own) => true,
            Some(Memory::Inherited) => inputs.iter().any(|input| self.nodes[input.from].past),
            Some(Memory::No | Memory::Marks) | None => false,
        }
    }
    /// Where a stream can go, in words.
    pub fn sinks(&self) -> String {
        let names: Vec<String> = self
            .nodes
            .iter()
            .filter(|node| matches!(node.what, What::Sink(_)))
            .map(|node| format!("`.to({})`", node.name))
            .collect();
        match names.as_slice() {
            [] => "declare `name: Sink<T>` in the `<>` of the header".to_owned(),
            [only] => format!("write {only}, or declare another `name: Sink<T>` in the header"),
            many => {
                format!("write one of {}, or declare another `name: Sink<T>` in the header", many.join(", "))
            }
        }
    }
    /// A graph that holds the ports of a header and nothing else.
    pub fn of_header(item: &Item) -> Self {
        Graph {
            // What a stage makes is named by whoever calls it.
            pipeline: if item.is_stage { String::new() } else { name_of(&item.name) },
            name: name_of(&item.name),
            batch: item.batch,
            nodes: Vec::new(),
            bindings: Vec::new(),
            sites: Vec::new(),
            parts: Vec::new(),
            findings: Vec::new(),
            unseen: HashSet::new(),
            given: HashSet::new(),
            items: Vec::new(),
            stage: item.is_stage.then(Vec::new),
            incomplete: false,
            unbound: false,
        }
    }
}
