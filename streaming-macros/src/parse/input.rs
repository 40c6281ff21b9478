//! The grammar of an item: what `stream!` and `stage!` have in common before either gives it a meaning.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Attribute, Error, FnArg, Generics, Signature, Token, Visibility,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    token::{Brace, Paren},
    visit_mut::VisitMut,
};

use super::{header_tokens, ungroup::Ungroup};

/// Which macro asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `stream!`.
    Pipeline,
    /// `stage!`.
    Stage,
}

impl Form {
    /// How such an item is written.
    fn example(self) -> &'static str {
        match self {
            Form::Pipeline => {
                "write one pipeline: `#[batch(secs(1))] fn name<port: Source<T>, port: Sink<T>>() { .. }`"
            }
            Form::Stage => "write one stage: `fn name<'s>(stream: Stream<'s, T>) -> Stream<'s, U> { .. }`",
        }
    }
    fn name(self) -> &'static str {
        match self {
            Form::Pipeline => "pipeline",
            Form::Stage => "stage",
        }
    }
    /// How the macro is called.
    pub fn macro_name(self) -> &'static str {
        match self {
            Form::Pipeline => "stream!",
            Form::Stage => "stage!",
        }
    }
}

/// An item as syn reads it, behind the path of the runtime.
#[derive(Clone)]
pub struct Input {
    /// The runtime crate as the caller names it: `$crate` is no path that syn can read, so it stays opaque.
    pub runtime: TokenStream,
    /// Documentation and other attributes.
    pub attrs: Vec<Attribute>,
    /// Who may name the item.
    pub vis: Visibility,
    /// The header.
    pub signature: Signature,
    /// The braces around the body.
    pub braces: Brace,
    /// What stands between them.
    pub body: TokenStream,
    /// What is missing or too much around the header; the rest was read all the same.
    pub mistakes: Vec<Error>,
    /// Conditions of ports and values, and whether they hold in this case of the item.
    pub assumed: Vec<(String, bool)>,
}

impl Input {
    /// Reads an item of that form.
    pub fn read(form: Form, tokens: TokenStream) -> syn::Result<Self> {
        let (tokens, mistake) = match form {
            Form::Pipeline => header_tokens::mended(tokens),
            Form::Stage => (tokens, None),
        };
        let read = |input: ParseStream<'_>| Input::parse(form, input);
        match (read.parse2(tokens), mistake) {
            // What could not be read all the same may be for the same reason.
            (Err(_), Some(mistake)) => Err(mistake),
            (Err(error), None) => Err(error),
            (Ok(mut input), mistake) => {
                input.mistakes.extend(mistake);
                Ungroup.visit_signature_mut(&mut input.signature);
                Ok(input)
            }
        }
    }

    fn parse(form: Form, input: ParseStream<'_>) -> syn::Result<Self> {
        let prefix;
        syn::parenthesized!(prefix in input);
        let runtime = prefix.parse()?;
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), form.example()));
        }
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let qualifiers = [
            input.peek(Token![const]),
            input.peek(Token![async]),
            input.peek(Token![unsafe]),
            input.peek(Token![extern]),
        ];
        if input.peek(syn::Ident) && input.peek2(Token![<]) {
            let name: Ident = input.parse()?;
            return Err(Error::new(
                name.span(),
                format!("a {} begins with `fn`: write `fn {name}<..>(..)`", form.name()),
            ));
        }
        if !input.peek(Token![fn]) && !qualifiers.contains(&true) {
            return Err(input.error(form.example()));
        }
        let mut mistakes = Vec::new();
        let signature = match form {
            Form::Pipeline => signature(input, &mut mistakes)?,
            Form::Stage => input.parse()?,
        };
        let (braces, body) = match input.peek(Brace) {
            true => {
                let content;
                (syn::braced!(content in input), content.parse()?)
            }
            false => {
                mistakes.push(
                    input.error(format!("a {} has a body: write `{{ .. }}` behind its header", form.name())),
                );
                input.parse::<Option<Token![;]>>()?;
                (Brace::default(), TokenStream::new())
            }
        };
        if !input.is_empty() && mistakes.is_empty() {
            let (name, of) = (form.name(), form.macro_name());
            let message = format!("a `{of}` holds one {name}: give what follows a `{of}` of its own");
            mistakes.push(input.error(message));
        }
        input.parse::<TokenStream>()?;
        let assumed = Vec::new();
        Ok(Input { runtime, attrs, vis, signature, braces, body, mistakes, assumed })
    }
}

/// The values, of which a type may be missing, and a default may be there.
fn values(content: ParseStream<'_>, mistakes: &mut Vec<Error>) -> syn::Result<Punctuated<FnArg, Token![,]>> {
    let mut values = Punctuated::new();
    while !content.is_empty() {
        let ahead = content.fork();
        ahead.call(Attribute::parse_outer)?;
        if let Ok(name) = ahead.parse::<Ident>()
            && (ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![=]))
            && name != "self"
        {
            content.call(Attribute::parse_outer)?;
            content.parse::<Ident>()?;
            let default = content.parse::<Option<Token![=]>>()?;
            if default.is_some() {
                content.parse::<syn::Expr>()?;
            }
            let given = default.map_or("", |_| ", and what it is when the pipeline is started");
            mistakes
                .push(Error::new(name.span(), format!("a value has a type: write `{name}: Type`{given}")));
        } else {
            values.push_value(content.parse::<FnArg>()?);
            if content.peek(Token![=]) {
                let equals = content.parse::<Token![=]>()?;
                content.parse::<syn::Expr>()?;
                let message =
                    "a value is given when the pipeline is started, and has no default: delete this";
                mistakes.push(Error::new(equals.span, message));
            }
        }
        if content.is_empty() {
            break;
        }
        let comma = content.parse::<Token![,]>()?;
        if !values.empty_or_trailing() {
            values.push_punct(comma);
        }
    }
    Ok(values)
}

/// As syn reads it, but for the `()` of the values, which are easily forgotten behind the `<>`.
fn signature(input: ParseStream<'_>, mistakes: &mut Vec<Error>) -> syn::Result<Signature> {
    let (constness, asyncness, unsafety, abi) =
        (input.parse()?, input.parse()?, input.parse()?, input.parse()?);
    let (fn_token, ident): (_, Ident) = (input.parse()?, input.parse()?);
    let mut generics: Generics = input.parse()?;
    let (paren_token, inputs) = match input.peek(Paren) {
        true => {
            let content;
            (syn::parenthesized!(content in input), values(&content, mistakes)?)
        }
        false => {
            let message = format!("run-time values stand in `()` behind the ports: write `fn {ident}<..>()`");
            mistakes.push(input.error(message));
            (Paren::default(), Punctuated::new())
        }
    };
    let output = input.parse()?;
    generics.where_clause = input.parse()?;
    let variadic = None;
    Ok(Signature {
        constness,
        asyncness,
        unsafety,
        abi,
        fn_token,
        ident,
        generics,
        paren_token,
        inputs,
        variadic,
        output,
    })
}
