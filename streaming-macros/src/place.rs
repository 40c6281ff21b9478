//! Places where no pipeline and no stage may stand: among the members of an `impl`, and as a value.
//!
//! A macro is not told where it stands, and what rustc says there is about items that the author has not written. So this looks
//! into the author's file. Nothing is said where that cannot be read, as in an editor, or where another macro has made the call.

use std::fs;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, Ident};

use crate::parse::{Form, Input};

/// Where an item of ours does not belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// Among the members of an `impl` or a `trait`.
    Member(&'static str),
    /// Behind `let name =`.
    Value,
}

/// Looks around the macro that was called with `tokens`, the runtime's path in front.
pub fn misplaced(tokens: &TokenStream) -> Option<Misplaced> {
    let (path, line, column) = place(tokens.clone().into_iter().nth(1)?.span())?;
    let file = fs::read_to_string(path).ok()?;
    let before: usize = file.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let within: usize = file[before..].chars().take(column - 1).map(char::len_utf8).sum();
    around(&code(&file[..before + within]))
}

/// The file of a token, with its line and column, which count from 1.
#[cfg(not(test))]
fn place(token: Span) -> Option<(std::path::PathBuf, usize, usize)> {
    let token = token.unwrap();
    Some((token.local_file()?, token.line(), token.column()))
}

/// No test is in a file that the compiler knows.
#[cfg(test)]
fn place(_: Span) -> Option<(std::path::PathBuf, usize, usize)> {
    None
}

/// What a call is among, given the code in front of its first token.
fn around(code: &str) -> Option<Misplaced> {
    let mut open = Vec::new();
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => open.push(at),
            ')' | ']' | '}' => _ = open.pop(),
            _ => {}
        }
    }
    let call = code[..open.pop()?].trim_end().strip_suffix('!')?;
    let before = call.trim_end().trim_end_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let lead = statement(before);
    let binds = ["let", "const", "static"].contains(&first_word(lead)) && lead.trim_end().ends_with('=');
    let block = open.pop().filter(|at| code[*at..].starts_with('{'));
    let kind = block.map(|at| first_word(statement(&code[..at])));
    match kind {
        _ if binds => Some(Misplaced::Value),
        Some("impl") if first_word(lead).is_empty() => Some(Misplaced::Member("impl")),
        Some("trait") if first_word(lead).is_empty() => Some(Misplaced::Member("trait")),
        _ => None,
    }
}

/// What of `code` belongs to the same item or statement as what comes behind it.
fn statement(code: &str) -> &str {
    &code[code.rfind([';', '{', '}']).map_or(0, |end| end + 1)..]
}

/// The first word that says what an item is: none of its attributes, and not that it is public, unsafe, or a default.
fn first_word(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    loop {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest = match &rest[..end] {
            "pub" | "unsafe" | "default" => rest[end..].trim_start(),
            "" if rest.starts_with('#') => match rest.split_once(']') {
                Some((_, behind)) => behind.trim_start(),
                None => return "",
            },
            word => return word,
        };
    }
}

/// `text` without comments, and without what stands in texts and characters.
fn code(text: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n'),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => quoted(rest, '"'),
            '\'' if is_character(rest) => quoted(rest, '\''),
            'r' if !code.ends_with(|c: char| c.is_alphanumeric() && c != 'b' && c != 'c' || c == '_') => {
                raw(rest).map_or(Some(0), |end| end)
            }
            _ => Some(0),
        };
        match skipped {
            Some(0) => code.push(c),
            _ => code.push(' '),
        }
        rest = &rest[skipped.unwrap_or(rest.len()).max(c.len_utf8())..];
    }
    code
}

/// Where a comment ends that may have others inside; `None` if it does not.
fn comment(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    loop {
        let found = at + text[at..].find("*/").into_iter().chain(text[at..].find("/*")).min()?;
        depth += if text[found..].starts_with("/*") { 1 } else { -1 };
        at = found + 2;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Whether the `'` in front begins a character, and no lifetime.
fn is_character(text: &str) -> bool {
    let mut behind = text.chars().skip(1);
    behind.next() == Some('\\') || behind.next() == Some('\'')
}

/// Where something in quotes ends; `None` if it does not.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map(|(at, _)| at + 1)
}

/// Where a text without escapes ends, which begins with `r`: nothing if it is no such text, `None` inside if it does not end.
fn raw(text: &str) -> Option<Option<usize>> {
    let hashes: String = text[1..].chars().take_while(|c| *c == '#').collect();
    let inside = 2 + hashes.len();
    text[1 + hashes.len()..].starts_with('"').then(|| {
        let end = format!("\"{hashes}");
        text[inside..].find(&end).map(|at| inside + at + end.len())
    })
}

impl Misplaced {
    /// What is wrong, at the item's name.
    pub fn error(self, name: &Ident, form: Form) -> Error {
        let macro_name = form.macro_name();
        let message = match (self, form) {
            (Misplaced::Member(kind), _) => format!(
                "`{name}` is an item of its own, which no `{kind}` may hold: write this `{macro_name}` outside, above the `{kind}`"
            ),
            (Misplaced::Value, Form::Pipeline) => format!(
                "`stream!` declares `{name}`, as `fn` declares a function, and is no value: leave out what stands in front of it, and \
                 start the pipeline by `Engine::new().start({name}::Ports {{ .. }})`"
            ),
            (Misplaced::Value, Form::Stage) => format!(
                "`stage!` declares `{name}`, as `fn` declares a function, and is no value: leave out what stands in front of it, and \
                 call it by its name in a `stream!`"
            ),
        };
        Error::new(name.span(), message)
    }

    /// The same, for a stage; a trait that is implemented there has its function all the same.
    pub fn in_place_of_a_stage(self, stage: &Input) -> TokenStream {
        let Input { attrs, vis, signature, .. } = stage;
        let error = self.error(&signature.ident, Form::Stage).to_compile_error();
        match self {
            Misplaced::Member(_) => {
                quote!(#error #(#attrs)* #[allow(unused)] #vis #signature { ::core::unimplemented!() })
            }
            Misplaced::Value => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str) -> Option<Misplaced> {
        around(&code(&file[..file.find("fn flow").expect("a pipeline")]))
    }

    #[test]
    fn where_no_item_of_ours_may_stand() {
        assert_eq!(found("impl A { fn a() {} stream!(fn flow) }"), Some(Misplaced::Member("impl")));
        assert_eq!(
            found("unsafe impl<T> A for B {\n  streaming_runtime::stream! { fn flow } }"),
            Some(Misplaced::Member("impl"))
        );
        assert_eq!(
            found("mod a { pub trait A { #[doc = \"é\"] stage!(fn flow); } }"),
            Some(Misplaced::Member("trait"))
        );
        assert_eq!(found("fn main() { a(); let flow = stream!(fn flow); }"), Some(Misplaced::Value));
        assert_eq!(found("static FLOW: Flow = stream![fn flow];"), Some(Misplaced::Value));
    }

    #[test]
    fn where_they_may() {
        let right = [
            "stream!(fn flow);",
            "use a::stream; #[doc = \"impl\"] stream!(fn flow);",
            "impl A {} mod tests { stream! { fn flow } }",
            "fn main() -> impl A { let a = 1; stream!(fn flow); }",
            "impl A { fn a() { stream!(fn flow); } }",
            "impl A { const B: C = { stream!(fn flow); flow::B }; }",
            "let made = wrap!(stream!(fn flow));",
            "wrap!(stream!(fn flow));",
            "match a { b => { stream!(fn flow); } }",
        ];
        for file in right {
            assert_eq!(found(file), None, "{file}");
        }
    }

    #[test]
    fn comments_and_texts_are_no_code() {
        let text = r###"a /* { /* " */ */ b // { '
            '{' '\'' 'c "\"{" r"\" r#"{""# br##"}"#"## bar"{" r#d 'e: {"é"}"###;
        let words: Vec<String> = code(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["a", "b", "'c", "b", "bar", "r#d", "'e:", "{", "}"]);
        assert_eq!(
            found("impl A { const B: &str = \"fn a() {\"; // {\n stream!(fn flow) }"),
            Some(Misplaced::Member("impl"))
        );
        assert_eq!(code("a \"{"), "a  ");
    }
}
