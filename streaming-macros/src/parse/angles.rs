//! Puts the `<>` of a header right where a `>` is missing or too much: syn would stop there and say nothing of the ports.

use proc_macro2::{Delimiter, Ident, Punct, Spacing, TokenStream, TokenTree};
use syn::Error;

/// The item with as many `>` as `<` between its name and its `()`, and what was wrong.
pub fn balanced(item: TokenStream) -> (TokenStream, Option<Error>) {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let Some((start, end)) = header(&tokens) else { return (tokens.into_iter().collect(), None) };
    if depth(&tokens[start..end]) == 0 {
        return (tokens.into_iter().collect(), None);
    }
    let starts: Vec<usize> = (start + 1..end).filter(|at| is_port(&tokens, *at)).collect();
    let mut error = None;
    for (number, &port) in starts.iter().enumerate() {
        let (until, open) = match starts.get(number + 1) {
            Some(next) => (*next, 0),
            // Behind the last port stands the `>` of the header itself.
            None => (end, -1),
        };
        let depth = depth(&tokens[port..until]);
        let TokenTree::Ident(name) = tokens[port].clone() else {
            unreachable!("a port begins with its name")
        };
        let Some(found) = mended(&mut tokens, name, port..until, depth - open) else { continue };
        error = Some(found);
        break;
    }
    (tokens.into_iter().collect(), error)
}

/// Where the `<` behind the name stands, and what follows its `>`.
fn header(tokens: &[TokenTree]) -> Option<(usize, usize)> {
    let keyword = tokens.iter().position(|token| matches!(token, TokenTree::Ident(word) if word == "fn"))?;
    let start = keyword + 2;
    if !is_punct(tokens.get(start), '<') {
        return None;
    }
    let ends = |at: &usize| {
        let TokenTree::Group(group) = &tokens[*at] else { return false };
        match group.delimiter() {
            Delimiter::Brace => true,
            Delimiter::Parenthesis => match tokens.get(*at + 1) {
                None | Some(TokenTree::Group(_)) => true,
                Some(TokenTree::Ident(word)) => word == "where",
                Some(TokenTree::Punct(punct)) => {
                    ['-', ';'].contains(&punct.as_char()) && *at + 1 < tokens.len()
                }
                Some(TokenTree::Literal(_)) => false,
            },
            Delimiter::Bracket | Delimiter::None => false,
        }
    };
    // The parentheses of a record follow a `<` or a `,`, or stand behind the name of a function's type.
    let is_apart = |at: &usize| is_punct(tokens.get(at.wrapping_sub(1)), '>') && !is_arrow(tokens, at - 1);
    let end = (start + 1..tokens.len()).find(|at| is_apart(at) && ends(at))?;
    Some((start, end))
}

/// How many more `<` than `>` there are.
fn depth(tokens: &[TokenTree]) -> i64 {
    let count = |at: usize| match &tokens[at] {
        TokenTree::Punct(punct) if punct.as_char() == '<' => 1,
        TokenTree::Punct(punct) if punct.as_char() == '>' && !is_arrow(tokens, at) => -1,
        _ => 0,
    };
    (0..tokens.len()).map(count).sum()
}

/// Whether a port begins there: `name: Source<` or `name: Sink<`.
fn is_port(tokens: &[TokenTree], at: usize) -> bool {
    let is_way = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if word == "Source" || word == "Sink");
    matches!(&tokens[at], TokenTree::Ident(_))
        && is_punct(tokens.get(at + 1), ':')
        && is_way(tokens.get(at + 2))
        && is_punct(tokens.get(at + 3), '<')
}

/// Takes a `>` away from a port or gives it one.
fn mended(
    tokens: &mut Vec<TokenTree>,
    name: Ident,
    port: std::ops::Range<usize>,
    open: i64,
) -> Option<Error> {
    let end = if is_punct(tokens.get(port.end - 1), ',') { port.end - 1 } else { port.end };
    let last = port.clone().rev().find(|at| is_punct(tokens.get(*at), '>') && !is_arrow(tokens, *at));
    if open > 0 {
        let message = format!(
            "a `>` is missing in port `{name}`: each `<` has its `>`, and the `<>` of the header has one too"
        );
        let error = Error::new(tokens[port.start + 2].span(), message);
        let mut missing = Punct::new('>', Spacing::Alone);
        missing.set_span(tokens[end - 1].span());
        (0..open).for_each(|_| tokens.insert(end, TokenTree::Punct(missing.clone())));
        return Some(error);
    }
    if let Some(last) = last.filter(|_| open < 0) {
        let message = format!("one `>` too many behind port `{name}`: delete it");
        let error = Error::new(tokens[last].span(), message);
        (0..-open).for_each(|_| drop(tokens.remove(last)));
        return Some(error);
    }
    None
}

fn is_arrow(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    is_punct(before, '-') || is_punct(before, '=')
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}
