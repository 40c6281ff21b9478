//! What another language has in a statement that could not be read as Rust.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use super::closures::Said;
use crate::operators::known;

/// What another language has in a statement that could not be read as Rust.
pub fn foreign(statement: &TokenStream) -> Option<Said> {
    let tokens: Vec<TokenTree> = statement.clone().into_iter().collect();
    let ident = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(name)) => Some(name),
        _ => None,
    };
    if let (Some(true), Some(operator)) = (tokens.first().map(|first| is_punct(first, '.')), ident(1)) {
        let words = format!("a chain ends at its `;`: delete the `;` in front of `.{operator}`");
        return Some((tokens[0].to_token_stream(), words));
    }
    const KEYWORDS: [&str; 8] = ["val", "var", "auto", "def", "final", "const", "static", "local"];
    if let (Some(keyword), Some(name)) = (ident(0), ident(1))
        && KEYWORDS.iter().any(|known| keyword == known)
        && tokens.get(2).is_some_and(|token| is_punct(token, '='))
    {
        return Some((
            keyword.to_token_stream(),
            format!("a stream is named by `let`: write `let {name} = ..;` for `{keyword} {name}`"),
        ));
    }
    if let (Some(name), Some(true), Some(true)) = (
        ident(0),
        tokens.get(1).map(|token| is_punct(token, ':')),
        tokens.get(2).map(|token| is_punct(token, '=')),
    ) {
        return Some((
            name.to_token_stream(),
            format!("a stream is named by `let`: write `let {name} = ..;` for `{name} :=`"),
        ));
    }
    let is = |at: usize, mark: char| tokens.get(at).is_some_and(|token| is_punct(token, mark));
    if let (Some(stream), true, true, Some(sink)) = (ident(0), is(1, '='), is(2, '>'), ident(3)) {
        let words = format!("a stream is sent to a sink by its operator: write `{stream}.to({sink})`");
        return Some((tokens[1].to_token_stream(), words));
    }
    anywhere(&tokens, false)
}

/// The same at any depth; `is_argument` inside of parentheses, where a closure may stand.
fn anywhere(tokens: &[TokenTree], is_argument: bool) -> Option<Said> {
    for (at, token) in tokens.iter().enumerate() {
        let next = |ahead: usize| tokens.get(at + ahead);
        let is = |ahead: usize, mark: char| next(ahead).is_some_and(|token| is_punct(token, mark));
        if is_punct(token, '|')
            && is(1, '>')
            && let Some(TokenTree::Ident(operator)) = next(2)
        {
            let stream = match at.checked_sub(1).and_then(|before| tokens.get(before)) {
                Some(TokenTree::Ident(stream)) => stream.to_string(),
                _ => String::new(),
            };
            let words = format!(
                "an operator is a method of its stream: write `{stream}.{operator}(..)` for `|> {operator}`"
            );
            return Some((token.to_token_stream(), words));
        }
        if is_punct(token, '.')
            && let (Some(TokenTree::Ident(operator)), Some(TokenTree::Group(closure))) = (next(1), next(2))
            && closure.delimiter() == Delimiter::Brace
            && let Some(known) = known(&operator.to_string())
        {
            let inside = closure.stream().to_string();
            let given = inside
                .split('|')
                .nth(1)
                .map_or(String::new(), |parameters| format!("|{}| ..", parameters.trim()));
            let given = if given.is_empty() { known.call } else { &given };
            let words = format!("an operator is a method with `()`: write `.{operator}({given})`");
            return Some((operator.to_token_stream(), words));
        }
        if let (TokenTree::Ident(keyword), Some(TokenTree::Group(parameters)), true) =
            (token, next(1), begins_at(tokens, at) && is_argument)
            && ["fn", "fun", "func", "function"].iter().any(|known| keyword == known)
        {
            let words = format!(
                "a closure has its parameters between bars: write `|{}| ..` in the `()` of its operator",
                parameters.stream()
            );
            return Some((keyword.to_token_stream(), words));
        }
        let parameter = match token {
            TokenTree::Ident(name) => Some(name.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                Some(group.stream().to_string().replace(" ,", ","))
            }
            _ => None,
        };
        let begins = begins_at(tokens, at);
        if let Some(parameter) = parameter
            && is_argument
            && begins
            && (is(1, '=') || is(1, '-'))
            && is(2, '>')
        {
            let arrow = if is(1, '=') { "=>" } else { "->" };
            let words = format!(
                "a closure has its parameters between bars: write `|{parameter}| ..` for `{parameter} {arrow} ..`, in the `()` of its operator"
            );
            return Some((next(1).to_token_stream(), words));
        }
        if let (TokenTree::Ident(lambda), Some(TokenTree::Ident(parameter)), true) =
            (token, next(1), begins && is_argument)
            && lambda == "lambda"
        {
            let words = format!(
                "a closure has its parameters between bars: write `|{parameter}| ..` in the `()` of its operator"
            );
            return Some((lambda.to_token_stream(), words));
        }
        if let TokenTree::Group(group) = token {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            let is_argument = group.delimiter() == Delimiter::Parenthesis;
            if let Some(found) = anywhere(&inside, is_argument) {
                return Some(found);
            }
        }
    }
    None
}

/// Whether an argument begins there.
fn begins_at(tokens: &[TokenTree], at: usize) -> bool {
    at == 0 || is_punct(&tokens[at - 1], ',')
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
