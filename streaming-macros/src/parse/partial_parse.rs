//! Reads bodies that are still being written. A statement that does not parse must not hide the others,
//! and an editor asks its questions in just that moment.
//!
//! rust-analyzer completes inside a macro by expanding it twice, with and without a marker at the cursor,
//! and looks up in the first expansion what stands at the offset that it found in the second. So the text
//! up to the cursor must come out the same in both: nothing that is generated may depend on the marker.

use proc_macro2::{Delimiter, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::{Block, Stmt, parse::Parser, visit_mut::VisitMut};

use super::ungroup::Ungroup;
use crate::tokens::{HOLE, MARKER, inside_group};

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
    if let Ok(statements) = parsed(part.clone()) {
        return Chunk::Whole(statements);
    }
    let filled = fill(part.clone());
    if let Ok(statements) = parsed(filled.clone()) {
        return Chunk::Filled { statements, open: false };
    }
    let end = TokenTree::Punct(Punct::new(';', Spacing::Alone));
    match parsed(filled.into_iter().chain([end]).collect()) {
        Ok(statements) => Chunk::Filled { statements, open: true },
        Err(_) => Chunk::Broken(part),
    }
}

fn parsed(part: TokenStream) -> syn::Result<Vec<Stmt>> {
    let mut statements = Block::parse_within.parse2(part)?;
    statements.iter_mut().for_each(|statement| Ungroup.visit_stmt_mut(statement));
    Ok(statements)
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
