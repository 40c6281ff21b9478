//! Draws a plan for Mermaid and for Graphviz, line by line of its [encoding](super::encoded).
//!
//! All functions are `const`: `PLAN` and `DOT` are drawn by the compiler, and [`Plan::mermaid`](super::Plan::mermaid) by the same
//! code. Nothing here depends on the rest of the crate.

/// The language of a drawing.
#[derive(Clone, Copy)]
pub enum Notation {
    /// Mermaid, which GitHub and rustdoc themes render.
    Mermaid,
    /// Graphviz' language.
    Dot,
}

/// The length of a drawing in bytes.
pub const fn drawn_length(plan: &str, notation: Notation) -> usize {
    draw(plan, notation, &mut [])
}

/// The bytes of a drawing, of which there are [`drawn_length`].
pub const fn drawn<const N: usize>(plan: &str, notation: Notation) -> [u8; N] {
    let mut bytes = [0; N];
    draw(plan, notation, &mut bytes);
    bytes
}

/// Draws a plan into `bytes`, as far as they go, and returns how many it takes.
pub const fn draw(plan: &str, notation: Notation, bytes: &mut [u8]) -> usize {
    let mut out = Out { bytes, at: 0, notation };
    let mut rest = plan.as_bytes();
    let mut depth = 1;
    while !rest.is_empty() {
        let (line, tail) = split(rest, b'\n');
        rest = tail;
        let (what, fields) = split(line, b'\t');
        match what {
            b"plan" => out.beginning(fields),
            b"open" => {
                out.indentation(depth);
                out.frame(fields);
                depth += 1;
            }
            b"close" => {
                depth -= 1;
                out.indentation(depth);
                out.raw(match notation {
                    Notation::Mermaid => b"end\n",
                    Notation::Dot => b"}\n",
                });
            }
            b"node" => {
                out.indentation(depth);
                out.node(fields);
            }
            b"edge" => {
                out.indentation(depth);
                out.edge(fields);
            }
            _ => panic!("a line of a plan begins with what it is"),
        }
    }
    if matches!(notation, Notation::Dot) {
        out.raw(b"}\n");
    }
    out.at
}

/// What stands before the first `separator`, and what stands behind it.
const fn split(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < text.len() {
        if text[at] == separator {
            let (head, tail) = text.split_at(at);
            return (head, tail.split_at(1).1);
        }
        at += 1;
    }
    (text, &[])
}

/// Where a node's id stands: a port is a source before an arrow, and a sink behind it.
#[derive(Clone, Copy)]
enum Side {
    From,
    To,
}

struct Out<'a> {
    bytes: &'a mut [u8],
    at: usize,
    notation: Notation,
}

impl Out<'_> {
    const fn byte(&mut self, byte: u8) {
        if self.at < self.bytes.len() {
            self.bytes[self.at] = byte;
        }
        self.at += 1;
    }

    const fn raw(&mut self, text: &[u8]) {
        let mut at = 0;
        while at < text.len() {
            self.byte(text[at]);
            at += 1;
        }
    }

    const fn indentation(&mut self, depth: usize) {
        let mut level = 0;
        while level < depth {
            self.raw(b"  ");
            level += 1;
        }
    }

    /// Mermaid reads labels as HTML and writes entities its own way.
    const fn escaped(&mut self, text: &[u8]) {
        let mut at = 0;
        while at < text.len() {
            match (self.notation, text[at]) {
                (Notation::Mermaid, b'&') => self.raw(b"#amp;"),
                (Notation::Mermaid, b'"') => self.raw(b"#quot;"),
                (Notation::Mermaid, b'<') => self.raw(b"#lt;"),
                (Notation::Mermaid, b'>') => self.raw(b"#gt;"),
                (Notation::Dot, b'\\') => self.raw(b"\\\\"),
                (Notation::Dot, b'"') => self.raw(b"\\\""),
                (_, byte) => self.byte(byte),
            }
            at += 1;
        }
    }

    /// A line's end in a label.
    const fn line_break(&mut self) {
        self.raw(match self.notation {
            Notation::Mermaid => b"<br/>",
            Notation::Dot => b"\\n",
        });
    }

    /// A node's name in the drawing: made of its id, so that a moved statement changes no other line.
    const fn key(&mut self, id: &[u8], side: Side) {
        let (_, place) = split(id, b'/');
        if place.is_empty() {
            self.raw(match side {
                Side::From => b"source_",
                Side::To => b"sink_",
            });
            return self.raw(id);
        }
        self.raw(b"op_");
        let mut last = 0;
        let mut at = 0;
        while at < place.len() {
            if place[at] == b'/' {
                last = at;
            }
            at += 1;
        }
        at = 0;
        while at < place.len() {
            match place[at] {
                b'/' if at == last => self.raw(b"__"),
                byte if byte.is_ascii_alphanumeric() => self.byte(byte),
                // One for each character, of however many bytes.
                byte if byte & 0xc0 == 0x80 => {}
                _ => self.byte(b'_'),
            }
            at += 1;
        }
    }

    const fn beginning(&mut self, fields: &[u8]) {
        match self.notation {
            Notation::Mermaid => self.raw(b"flowchart LR\n"),
            Notation::Dot => {
                self.raw(b"digraph \"");
                self.escaped(split(fields, b'\t').0);
                self.raw(b"\" {\n  rankdir=LR;\n  node [shape=box];\n");
            }
        }
    }

    /// The beginning of what stands together.
    const fn frame(&mut self, fields: &[u8]) {
        let (kind, fields) = split(fields, b'\t');
        let (id, fields) = split(fields, b'\t');
        let (name, _) = split(fields, b'\t');
        let (begin, middle, end): (&[u8], &[u8], &[u8]) = match self.notation {
            Notation::Mermaid => (b"subgraph ", b"[\"", b"\"]\n"),
            Notation::Dot => (b"subgraph \"cluster_", b"\" { label=\"", b"\";\n"),
        };
        self.raw(begin);
        self.raw(kind);
        self.byte(b'_');
        self.key(id, Side::From);
        self.raw(middle);
        match kind {
            b"fused" => self.raw(b"one operator"),
            _ => {
                self.raw(kind);
                self.byte(b' ');
                self.escaped(name);
            }
        }
        self.raw(end);
    }

    const fn node(&mut self, fields: &[u8]) {
        let (kind, fields) = split(fields, b'\t');
        let (id, fields) = split(fields, b'\t');
        let (name, fields) = split(fields, b'\t');
        let (below, fields) = split(fields, b'\t');
        let (keeps, fields) = split(fields, b'\t');
        let (lowering, _) = split(fields, b'\t');
        let side = if matches!(kind, b"sink") { Side::To } else { Side::From };
        let (open, close): (&[u8], &[u8]) = match self.notation {
            Notation::Mermaid => match kind {
                b"source" => (b"([\"", b"\"])\n"),
                b"sink" => (b"[[\"", b"\"]]\n"),
                b"stateful" => (b"[(\"", b"\")]\n"),
                b"keyed" | b"global" => (b"{{\"", b"\"}}\n"),
                _ => (b"[\"", b"\"]\n"),
            },
            Notation::Dot => match kind {
                b"source" => (b" [label=\"", b"\", shape=oval];\n"),
                b"sink" => (b" [label=\"", b"\", shape=box, peripheries=2];\n"),
                b"stateful" => (b" [label=\"", b"\", shape=cylinder];\n"),
                b"keyed" | b"global" => (b" [label=\"", b"\", shape=hexagon];\n"),
                _ => (b" [label=\"", b"\"];\n"),
            },
        };
        self.key(id, side);
        self.raw(open);
        self.escaped(name);
        self.line_break();
        self.escaped(below);
        if !keeps.is_empty() {
            self.line_break();
            self.escaped(keeps);
            self.raw(b": ");
            self.escaped(lowering);
        }
        self.raw(close);
    }

    const fn edge(&mut self, fields: &[u8]) {
        let (from, fields) = split(fields, b'\t');
        let (to, fields) = split(fields, b'\t');
        let (output, fields) = split(fields, b'\t');
        let (travels, fields) = split(fields, b'\t');
        let (way, _) = split(fields, b'\t');
        let is_back = !way.is_empty();
        self.key(from, Side::From);
        self.raw(match (self.notation, is_back) {
            (Notation::Mermaid, false) => b" -->",
            (Notation::Mermaid, true) => b" -.->",
            (Notation::Dot, _) => b" -> ",
        });
        let is_labelled = !(output.is_empty() && travels.is_empty() && way.is_empty());
        match self.notation {
            Notation::Mermaid => {
                if is_labelled {
                    self.raw(b"|\"");
                    self.edge_label(output, travels, way);
                    self.raw(b"\"|");
                }
                self.byte(b' ');
                self.key(to, Side::To);
            }
            Notation::Dot => {
                self.key(to, Side::To);
                self.raw(b" [label=\"");
                self.edge_label(output, travels, way);
                self.raw(if is_back { b"\", style=dashed];" } else { b"\"];" });
            }
        }
        self.byte(b'\n');
    }

    const fn edge_label(&mut self, output: &[u8], travels: &[u8], way: &[u8]) {
        self.escaped(way);
        self.escaped(output);
        if !(output.is_empty() || travels.is_empty()) {
            self.raw(b", ");
        }
        self.escaped(travels);
    }
}
