//! Reads bodies that are still being written. A statement that does not parse must not hide the others,
//! and an editor asks its questions in just that moment.
//!
//! rust-analyzer completes inside a macro by expanding it twice, with and without a marker at the cursor,
//! and looks up in the first expansion what stands at the offset that it found in the second. So the text
//! up to the cursor must come out the same in both: nothing that is generated may depend on the marker.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::{Block, Stmt, ext::IdentExt, parse::Parser};

/// What rust-analyzer writes at the cursor.
const MARKER: &str = "intellijRulezz";
/// What stands in for a missing name while a statement is lowered; taken out afterwards.
const HOLE: &str = "__hole";

/// One run of statements, as far as it could be read.
pub enum Chunk {
    /// Whole statements.
    Whole(Vec<Stmt>),
    /// Statements with holes in them, filled for the time being.
    Filled {
        /// The statements.
        statements: Vec<Stmt>,
        /// Whether the last of them lacks its `;`, which is not to be written for its author.
        open: bool,
    },
    /// Not Rust yet: handed on untouched, so that rustc words the error.
    Broken(TokenStream),
}

/// Cuts a body into parts that can be read alone, and reads each.
///
/// Statements end at a `;`. While one is being typed its `;` is missing: then the next `let` ends it, or the
/// editor's marker does if a name follows, since no two names stand side by side inside an expression.
pub fn chunks(body: TokenStream) -> Vec<Chunk> {
    let mut parts: Vec<Vec<TokenTree>> = vec![Vec::new()];
    for token in body {
        let part = parts.last().expect("there is always an open part");
        let ended = match (part.last(), &token) {
            (Some(last), _) if is_punct(Some(last), ';') => true,
            (Some(last), TokenTree::Ident(next)) if next == "let" => may_end(last),
            (Some(TokenTree::Ident(last)), TokenTree::Ident(_)) => last.to_string().ends_with(MARKER),
            _ => false,
        };
        if ended {
            parts.push(Vec::new());
        }
        parts.last_mut().expect("there is always an open part").push(token);
    }
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.map(|part| chunk(part.into_iter().collect())).collect()
}

/// Whether a statement may end before a `let`: not in `if let`, after an attribute, or within a condition.
fn may_end(last: &TokenTree) -> bool {
    match last {
        TokenTree::Ident(last) => last != "if" && last != "while",
        TokenTree::Punct(last) => last.as_char() == '.',
        TokenTree::Group(last) => last.delimiter() != Delimiter::Bracket,
        TokenTree::Literal(_) => true,
    }
}

fn chunk(part: TokenStream) -> Chunk {
    if let Ok(statements) = Block::parse_within.parse2(part.clone()) {
        return Chunk::Whole(statements);
    }
    let filled = fill(part.clone());
    if let Ok(statements) = Block::parse_within.parse2(filled.clone()) {
        return Chunk::Filled { statements, open: false };
    }
    let end = TokenTree::Punct(Punct::new(';', Spacing::Alone));
    match Block::parse_within.parse2(filled.into_iter().chain([end]).collect()) {
        Ok(statements) => Chunk::Filled { statements, open: true },
        Err(_) => Chunk::Broken(part),
    }
}

/// The name that `let <name>` introduces in a part that did not parse: it stays known as a stream, so
/// that what follows is lowered as usual.
pub fn broken_binding(part: &TokenStream) -> Option<Ident> {
    let mut tokens = part.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(keyword)), Some(TokenTree::Ident(name))) if keyword == "let" => Some(name),
        _ => None,
    }
}

/// A name as its author means it: without `r#`, without the editor's marker, empty where one is missing.
pub fn name_of(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let name = name.strip_suffix(MARKER).unwrap_or(&name);
    if name == HOLE { String::new() } else { name.to_owned() }
}

/// Whether an editor is asking: rules about the whole graph then stay silent.
pub fn has_marker(body: &TokenStream) -> bool {
    any_ident(body, &|ident| ident.to_string().ends_with(MARKER))
}

/// Every name that stands in `tokens`, as its author means it.
pub fn for_each_name(tokens: &TokenStream, visit: &mut impl FnMut(String)) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => visit(name_of(&ident)),
            TokenTree::Group(group) => for_each_name(&group.stream(), visit),
            _ => {}
        }
    }
}

fn any_ident(tokens: &TokenStream, holds: &impl Fn(&Ident) -> bool) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => holds(&ident),
        TokenTree::Group(group) => any_ident(&group.stream(), holds),
        _ => false,
    })
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Puts a name where one is plainly missing: after a bare `.`, for the body of a closure, behind a `=`.
fn fill(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let token = inside_group(token, &fill);
        let next = tokens.peek();
        let ends = next.is_none() || [';', ',', '.'].iter().any(|end| is_punct(next, *end));
        let double_dot = is_punct(next, '.') || is_punct(out.last(), '.');
        let dot = is_punct(Some(&token), '.') && !double_dot;
        let bar = is_punct(Some(&token), '|') && !is_punct(next, '.');
        let equals = is_punct(Some(&token), '=') && !is_punct(next, '.') && !is_punct(out.last(), '=');
        out.push(token);
        if ends && (dot || bar || equals) {
            out.push(TokenTree::Ident(Ident::new(HOLE, Span::mixed_site())));
        }
    }
    out.into_iter().collect()
}

/// Takes the filling out again.
pub fn unfill(tokens: TokenStream) -> TokenStream {
    let is_hole = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if *ident == HOLE);
    tokens.into_iter().filter(|token| !is_hole(token)).map(|token| inside_group(token, &unfill)).collect()
}

/// Applies `change` to what a group holds, keeping its delimiters and its place.
pub fn inside_group(token: TokenTree, change: &impl Fn(TokenStream) -> TokenStream) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let mut changed = Group::new(group.delimiter(), change(group.stream()));
    changed.set_span(group.span());
    TokenTree::Group(changed)
}
