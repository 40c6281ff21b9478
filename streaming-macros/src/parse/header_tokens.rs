//! Puts the ports of a header right where their tokens are none that syn can read: a `>` or a `,` that is missing or too much, an
//! `impl`, a word of Rust as a name. syn would stop there and say nothing of the ports.

use proc_macro2::{Delimiter, Ident, Punct, Spacing, TokenStream, TokenTree};
use syn::Error;

/// The item with its ports as syn can read them, and the first thing that was wrong.
pub fn mended(item: TokenStream) -> (TokenStream, Option<Error>) {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let Some((start, end)) = header(&tokens) else { return (tokens.into_iter().collect(), None) };
    if let Some(error) = reserved(&tokens[start..end]) {
        // The body uses the word as a name, and is no Rust either.
        return (TokenStream::new(), Some(error));
    }
    let rest = tokens.split_off(end);
    let mut ports = tokens.split_off(start + 1);
    let error = qualified(&mut ports).or_else(|| parted(&mut ports)).or_else(|| balanced(&mut ports));
    (tokens.into_iter().chain(ports).chain(rest).collect(), error)
}

/// A word of Rust as the name of a port.
fn reserved(tokens: &[TokenTree]) -> Option<Error> {
    let is_reserved = |at: &usize| {
        is_port(tokens, *at) && syn::parse2::<Ident>(TokenStream::from(tokens[*at].clone())).is_err()
    };
    let name = (0..tokens.len()).find(is_reserved).map(|at| &tokens[at])?;
    Some(Error::new(name.span(), format!("`{name}` is a word of Rust: give this port another name")))
}

/// Takes away what stands between a port's `:` and its `Source` or `Sink`.
fn qualified(tokens: &mut Vec<TokenTree>) -> Option<Error> {
    for at in 0..tokens.len() {
        let TokenTree::Ident(name) = &tokens[at] else { continue };
        let name = name.clone();
        let is_declared = is_punct(tokens.get(at + 1), ':') && !is_punct(tokens.get(at + 2), ':');
        if !is_declared || is_punct(at.checked_sub(1).and_then(|before| tokens.get(before)), ':') {
            continue;
        }
        if is_port(tokens, at) {
            const WORDS: [&str; 6] = ["pub", "mut", "let", "ref", "in", "out"];
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            if let Some(TokenTree::Ident(word)) = before
                && WORDS.iter().any(|known| word == known)
            {
                let message = format!(
                    "a port is declared by its name: write `{name}: {}<..>`, without `{word}`",
                    tokens[at + 2]
                );
                let error = Error::new(word.span(), message);
                tokens.remove(at - 1);
                return Some(error);
            }
            continue;
        }
        let is_extra = |token: &TokenTree| match token {
            TokenTree::Punct(mark) => mark.as_char() == '&',
            TokenTree::Ident(word) => word == "impl" || word == "dyn" || word == "mut",
            _ => false,
        };
        let extra = tokens[at + 2..].iter().take_while(|token| is_extra(token)).count();
        if extra > 0 && is_way(tokens.get(at + 2 + extra)) {
            let extra: TokenStream = tokens.drain(at + 2..at + 2 + extra).collect();
            let TokenTree::Ident(way) = &tokens[at + 2] else { unreachable!("it was looked at") };
            let message =
                format!("a port is declared by what it is: write `{name}: {way}<T>`, without `{extra}`");
            return Some(Error::new_spanned(extra, message));
        }
    }
    None
}

/// Puts a `,` between ports where there is none.
fn parted(tokens: &mut Vec<TokenTree>) -> Option<Error> {
    let is_second = |at: &usize| *at > 0 && is_port(tokens, *at);
    let missing = |at: &usize| !is_punct(tokens.get(*at - 1), ',') && !is_punct(tokens.get(*at - 1), ']');
    let port = (0..tokens.len()).filter(is_second).find(missing)?;
    // Documentation and conditions stand in front of a name.
    if matches!(&tokens[port - 1], TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket) {
        return None;
    }
    let mut comma = Punct::new(',', Spacing::Alone);
    if is_punct(tokens.get(port - 1), ';') {
        let error = Error::new(tokens[port - 1].span(), "ports are separated by `,`: write `,` for `;`");
        comma.set_span(tokens[port - 1].span());
        tokens[port - 1] = TokenTree::Punct(comma);
        return Some(error);
    }
    let message = format!("ports are separated by `,`: write one in front of `{}`", tokens[port]);
    let error = Error::new(tokens[port].span(), message);
    comma.set_span(tokens[port].span());
    tokens.insert(port, TokenTree::Punct(comma));
    Some(error)
}

/// Gives each port as many `>` as `<`.
fn balanced(tokens: &mut Vec<TokenTree>) -> Option<Error> {
    // The `<` of the header stands before these.
    if depth(tokens) == -1 {
        return None;
    }
    let starts: Vec<usize> = (0..tokens.len()).filter(|at| is_port(tokens, *at)).collect();
    for (number, &port) in starts.iter().enumerate() {
        let (until, open) = match starts.get(number + 1) {
            Some(next) => (*next, 0),
            // Behind the last port stands the `>` of the header itself.
            None => (tokens.len(), -1),
        };
        let open = depth(&tokens[port..until]) - open;
        let found = closed(tokens, port..until, open);
        if found.is_some() {
            return found;
        }
    }
    None
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
    matches!(&tokens[at], TokenTree::Ident(_))
        && is_punct(tokens.get(at + 1), ':')
        && is_way(tokens.get(at + 2))
        && is_punct(tokens.get(at + 3), '<')
}

fn is_way(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(word)) if word == "Source" || word == "Sink")
}

/// Takes a `>` away from a port or gives it one, if it has `open` more `<` than that.
fn closed(tokens: &mut Vec<TokenTree>, port: std::ops::Range<usize>, open: i64) -> Option<Error> {
    let name = tokens[port.start].to_string();
    let end = if is_punct(tokens.get(port.end - 1), ',') { port.end - 1 } else { port.end };
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
    let last = port.rev().find(|at| is_punct(tokens.get(*at), '>') && !is_arrow(tokens, *at));
    let last = last.filter(|_| open < 0)?;
    let message = format!("one `>` too many behind port `{name}`: delete it");
    let error = Error::new(tokens[last].span(), message);
    (0..-open).for_each(|_| drop(tokens.remove(last)));
    Some(error)
}

fn is_arrow(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    is_punct(before, '-') || is_punct(before, '=')
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}
