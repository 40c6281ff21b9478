//! Tools on tokens that every pass needs: what a name means to its author, text for people, places for diagnostics, and the
//! names of what is generated.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;

/// What rust-analyzer writes at the cursor.
pub const MARKER: &str = "intellijRulezz";
/// What stands in for a missing name while a statement is lowered; taken out afterwards.
pub const HOLE: &str = "__hole";
/// What knows the ids of a stage in its body.
pub const STAGE: &str = "__stage";

/// A name as its author means it: without `r#`, without the editor's marker, empty where one is missing.
pub fn name_of(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let name = name.strip_suffix(MARKER).unwrap_or(&name);
    if name == HOLE { String::new() } else { name.to_owned() }
}

/// Whether an editor is asking: rules about the whole graph then stay silent.
pub fn has_marker(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident.to_string().ends_with(MARKER),
        TokenTree::Group(group) => has_marker(&group.stream()),
        _ => false,
    })
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

/// Whether a name stands anywhere in `tokens`.
pub fn mentions(tokens: &impl ToTokens, name: &Ident) -> bool {
    let (wanted, mut found) = (name_of(name), false);
    for_each_name(&tokens.to_token_stream(), &mut |name| found |= name == wanted);
    found
}

/// Applies `change` to what a group holds, keeping its delimiters and its place.
pub fn inside_group(token: TokenTree, change: &impl Fn(TokenStream) -> TokenStream) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let mut changed = Group::new(group.delimiter(), change(group.stream()));
    changed.set_span(group.span());
    TokenTree::Group(changed)
}

/// The runtime's path as if it stood at `span`: a diagnostic then shows the place and not the whole macro.
pub fn located(runtime: &TokenStream, span: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    runtime.clone().into_iter().map(locate).collect()
}

/// The scope of a loop with `outside` loops around it, as its body names it.
pub fn scope_name(outside: usize) -> Ident {
    match outside {
        0 => Ident::new("__scope", Span::mixed_site()),
        _ => format_ident!("__scope{outside}", span = Span::mixed_site()),
    }
}

/// The name before a placeholder's number.
const PLACEHOLDER: &str = "__stream_";

/// What stands where the stream with that number was taken out.
pub fn placeholder(number: usize) -> Ident {
    format_ident!("{PLACEHOLDER}{number}", span = Span::mixed_site())
}

/// The number of a placeholder, if a name is one.
pub fn placeholder_number(name: &str) -> Option<usize> {
    name.strip_prefix(PLACEHOLDER)?.parse().ok()
}

/// How a call is written, without blanks, and without the streams in it.
pub fn text_without_streams(call: &impl ToTokens) -> String {
    let words = call.to_token_stream().to_string();
    words.split_whitespace().filter(|word| !word.starts_with(PLACEHOLDER)).collect()
}

/// Tokens as a person would write them, for messages and for the plan.
pub fn text(tokens: &impl ToTokens) -> String {
    let mut out = String::new();
    let spaced = tokens.to_token_stream().to_string();
    let mut words = spaced.split_whitespace().peekable();
    while let Some(word) = words.next() {
        out += word;
        let Some(next) = words.peek() else { break };
        let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '\'');
        let both_names = is_name(word.chars().last()) && is_name(next.chars().next());
        let spreads = |word: &str| ["->", "=>", "+", "="].contains(&word);
        let lifetime = word.starts_with('\'') && next.starts_with(['[', '(', '&']);
        if both_names || lifetime || word.ends_with([',', ';']) || spreads(word) || spreads(next) {
            out.push(' ');
        }
    }
    out
}
