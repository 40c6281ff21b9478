//! What one operator keeps, as a line of text and back.

use std::{
    fmt::{
        Write, {self},
    },
    str::FromStr,
    time::Duration,
};

use crate::{
    checkpoint::CheckpointError,
    record::Record,
    schema::{
        Schema, {self},
    },
};

/// In which form an operator keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What each batch took in, for a while.
    Panes,
    /// A value a key.
    Keys,
    PanesAndKeys,
}

/// What a stateful operator keeps.
///
/// ```text
/// keys of (String, i64)
/// panes for 30s every 10s by sum of (String, i64)
/// panes for 30s every 10s by top_k with 5 of (String, Vec<i64>)
/// panes and keys for 1h by reduce_by_key_with_inverse of (u64, { price: f64 })
/// ```
///
/// The types come last because they may have any words in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateShape {
    pub(crate) kind: Kind,
    /// How long panes are kept; `None`: for ever. `None` of keys: when they expire is the program's matter, not the state's.
    pub(crate) span: Option<Duration>,
    /// How often a window is delivered; `None`: with each batch.
    pub(crate) slide: Option<Duration>,
    /// What the panes or keys are made by, if it matters: a word such as `sum`. Else empty.
    pub(crate) how: String,
    /// The parameters of that, empty if it has none. `None`: it is not known, of a checkpoint from before there was this.
    pub(crate) with: Option<String>,
    /// As [`schema::of`](crate::schema::of) says it: one line.
    pub(crate) types: String,
    /// Why it cannot be kept, if that is so. It is not written down, and neither is the next.
    pub(crate) fault: Option<Fault>,
    /// Whether it is there until it is told to go: not what leaves by itself, as panes of a window do.
    pub(crate) lasts: bool,
}

/// Why an operator's state cannot be kept in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Values of its type are not read back as they are written.
    Type(String),
    /// An aggregate of this type does not say its parameters.
    Parameters(&'static str),
}

impl Fault {
    /// That the operator has it.
    pub(crate) fn of(&self, operator: &str) -> CheckpointError {
        let of = format!("operator `{operator}`");
        match self {
            Fault::Type(what) => CheckpointError::Unreadable { of, what: what.clone() },
            Fault::Parameters(name) => CheckpointError::Incompatible {
                what: format!(
                    "{of}: the aggregate `{name}` has fields and does not say what it keeps depends on, so that a later start could \
                     not see that it is another: write `fn parameters(&self) -> Parameters` in its `impl Aggregate`"
                ),
            },
        }
    }
}

impl StateShape {
    /// What batches took in, for `span` and cut into windows every `slide`: records of type `T`.
    pub(crate) fn panes<T: Record>(span: Option<Duration>, slide: Option<Duration>) -> Self {
        let Schema { text: types, fault } = schema::of::<T>();
        let (how, with) = (String::new(), Some(String::new()));
        let (fault, lasts) = (fault.map(Fault::Type), span.is_none());
        StateShape { kind: Kind::Panes, span, slide, how, with, types, fault, lasts }
    }

    /// As [`panes`](StateShape::panes), and keys that last longer.
    pub(crate) fn panes_and_keys<T: Record>(span: Option<Duration>, slide: Option<Duration>) -> Self {
        StateShape { kind: Kind::PanesAndKeys, lasts: true, ..StateShape::panes::<T>(span, slide) }
    }

    /// A state a key.
    pub(crate) fn keys<T: Record>() -> Self {
        StateShape { kind: Kind::Keys, ..StateShape::panes::<T>(None, None) }
    }

    /// Whether it is there until it is told to go.
    pub(crate) fn lasting(self, lasts: bool) -> Self {
        StateShape { lasts, ..self }
    }

    /// What it is made by, in one word.
    pub(crate) fn by(self, how: String) -> Self {
        StateShape { how, ..self }
    }

    /// The parameters of that, or the type that does not say them.
    pub(crate) fn with(mut self, parameters: Result<String, &'static str>) -> Self {
        match parameters {
            Ok(said) => self.with = Some(said),
            Err(name) => self.fault = self.fault.or(Some(Fault::Parameters(name))),
        }
        self
    }

    /// Whether this is what was written as `written`, as far as that says it.
    pub(crate) fn is_as(&self, written: &StateShape) -> bool {
        let parts = |shape: &StateShape| (shape.kind, shape.span, shape.slide);
        parts(self) == parts(written)
            && (&self.how, &self.types) == (&written.how, &written.types)
            && self.has_parameters_of(written)
    }

    /// Whether the parameters are those that were written, if any were.
    pub(super) fn has_parameters_of(&self, written: &StateShape) -> bool {
        written.with.as_ref().is_none_or(|with| *with == self.parameters())
    }

    pub(super) fn parameters(&self) -> &str {
        self.with.as_deref().unwrap_or_default()
    }
}

/// The name of a type without the paths of the types in it, and without closures, whose names change with the lines
/// around them and with the types of the function that they are in: `Of<Sum,f64>`.
pub(crate) fn short_name<T>() -> String {
    const CLOSURE: &str = "{{closure}}";
    let mut name = std::any::type_name::<T>().to_owned();
    while let Some(at) = name.find(CLOSURE) {
        let end = at + CLOSURE.len();
        let path = if name[end..].starts_with("::") { end + 2 } else { end };
        name.replace_range(begin_of_path(&name[..at])..path, "");
    }
    let mut short = String::new();
    for word in name.split_inclusive(['<', '>', ',', '(', ')', ' ', '&', '[', ']', ';']) {
        let end = word
            .char_indices()
            .last()
            .map_or(0, |(at, last)| if last.is_alphanumeric() { word.len() } else { at });
        let (path, rest) = word.split_at(end);
        short.push_str(path.rsplit("::").next().unwrap_or_default());
        short.push_str(rest.trim());
    }
    short.replace(",,", ",").replace("<,", "<").replace(",>", ">").replace("<>", "")
}

/// Where the path begins that is at the end of `name`, with the arguments of all types in it.
fn begin_of_path(name: &str) -> usize {
    let mut depth = 0;
    for (at, one) in name.char_indices().rev() {
        match one {
            '>' | ')' | ']' => depth += 1,
            '<' | '(' | '[' if depth > 0 => depth -= 1,
            '<' | '(' | '[' | ' ' | '&' | ',' | ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    0
}

/// A stateful operator of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperatorState {
    /// Its place in the plan, such as `totals/counts/update_state`.
    pub(crate) id: String,
    pub(crate) shape: StateShape,
    /// How the operator is made, see [`exchanged`](super::exchanged); empty where that is not known.
    pub(crate) mark: String,
    /// The initial states that it is given, or began with.
    pub(crate) initial: Initial,
}

/// Initial states of an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Initial {
    #[default]
    Without,
    /// Told from others by a number.
    With(u64),
    /// Of state that any go with: there is none yet, or it is not known what it began with, or the author has said so.
    Any,
}

impl Initial {
    pub(crate) fn of(fingerprint: Option<u64>) -> Self {
        fingerprint.map_or(Initial::Without, Initial::With)
    }

    pub(crate) fn fingerprint(self) -> Option<u64> {
        match self {
            Initial::With(fingerprint) => Some(fingerprint),
            Initial::Without | Initial::Any => None,
        }
    }
}

impl fmt::Display for StateShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Panes => "panes",
            Kind::Keys => "keys",
            Kind::PanesAndKeys => "panes and keys",
        })?;
        if let Some(span) = self.span {
            write!(f, " for {}", In(span))?;
        }
        if let Some(slide) = self.slide {
            write!(f, " every {}", In(slide))?;
        }
        if !self.how.is_empty() {
            debug_assert!(is_word(&self.how), "`{}` is to be a word", self.how);
            write!(f, " by {}", self.how)?;
        }
        if !self.parameters().is_empty() {
            write!(f, " with {}", Escaped(self.parameters()))?;
        }
        write!(f, " of {}", self.types)
    }
}

/// A line that says no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no state: {what}")]
pub(crate) struct ShapeError {
    text: String,
    what: &'static str,
}

impl FromStr for StateShape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        parse(text).map_err(|what| ShapeError { text: text.to_owned(), what })
    }
}

fn parse(text: &str) -> Result<StateShape, &'static str> {
    let (head, types) = text.split_once(" of ").ok_or("` of ` and types are missing")?;
    let (kind, rest) = [("panes and keys", Kind::PanesAndKeys), ("panes", Kind::Panes), ("keys", Kind::Keys)]
        .into_iter()
        .find_map(|(name, kind)| Some((kind, head.strip_prefix(name)?)))
        .ok_or("it begins with `panes`, `keys` or `panes and keys`")?;
    let mut shape = StateShape {
        kind,
        span: None,
        slide: None,
        how: String::new(),
        with: None,
        types: types.to_owned(),
        fault: None,
        lasts: true,
    };
    let mut words = rest.split(' ').skip(1);
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err("it begins with `panes`, `keys` or `panes and keys`");
    }
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a value is missing")?;
        let duration = || read_duration(value).ok_or("that is no duration, such as `30s`");
        match word {
            "for" if shape.span.is_none() => shape.span = Some(duration()?),
            "every" if shape.slide.is_none() => shape.slide = Some(duration()?),
            "by" if shape.how.is_empty() && is_word(value) => value.clone_into(&mut shape.how),
            "with" if shape.with.is_none() => shape.with = Some(unescape(value)),
            _ => return Err("only `for`, `every`, `by` and `with` are known, each once"),
        }
    }
    Ok(shape)
}

fn is_word(how: &str) -> bool {
    !how.is_empty() && !how.contains(char::is_whitespace)
}

/// Parameters as one word.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|one| match one {
            '\\' => f.write_str("\\\\"),
            one if one.is_whitespace() || one.is_control() => write!(f, "\\{:x};", one as u32),
            one => f.write_char(one),
        })
    }
}

/// What was [`Escaped`]; what is no escape stands for itself.
fn unescape(word: &str) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let code = rest
            .split_once(';')
            .and_then(|(code, behind)| Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, behind)));
        (rest, _) = match (rest.strip_prefix('\\'), code) {
            (Some(behind), _) => (behind, text.push('\\')),
            (None, Some((one, behind))) => (behind, text.push(one)),
            (None, None) => (rest, text.push('\\')),
        };
    }
    text + rest
}

const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A duration in the largest unit that it is a whole number of: `90s`.
pub(super) struct In(pub(super) Duration);

impl fmt::Display for In {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let whole = UNITS.iter().find(|(_, unit)| nanos > 0 && nanos.is_multiple_of(*unit));
        let (name, unit) = whole.unwrap_or(&("s", 1));
        write!(f, "{}{name}", nanos / unit)
    }
}

fn read_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let nanos = number.parse::<u128>().ok()?.checked_mul(unit)?;
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

#[cfg(test)]
mod tests {
    use crate::checkpoint::lock::shape::short_name;

    struct Reduce<F>(F);

    fn of<F>(_: F) -> String {
        short_name::<Reduce<F>>()
    }

    fn in_a_function_of<A, B>() -> (String, String) {
        (of(|| std::mem::size_of::<A>()), of([(|| std::mem::size_of::<(B, Reduce<A>)>(), 1_u8)]))
    }

    #[test]
    fn closures_have_no_names_of_their_own() {
        let (plain, among) = in_a_function_of::<Option<Vec<u8>>, (u8, [String; 2])>();
        assert_eq!((&*plain, &*among), ("Reduce", "Reduce<[(,u8);1]>"));
        assert_eq!((plain, among), in_a_function_of::<u8, String>());
        assert_eq!(of(Some(vec![1_u8])), "Reduce<Option<Vec<u8>>>");
    }
}
