//! What one operator keeps, as a line of text and back.

use std::{
    fmt::{
        Write, {self},
    },
    str::FromStr,
    time::Duration,
};

use crate::{
    checkpoint::{
        CheckpointError,
        lock::names::{name_of_earlier, short_name},
    },
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
    /// What the panes or keys are made by, if it matters: the name of an aggregate or a join, such as `Sum`. Else empty.
    pub(crate) how: String,
    /// The parameters of that, empty if it has none. `None`: it is not known, of a checkpoint from before there was this.
    pub(crate) with: Option<String>,
    /// As [`schema::of`](crate::schema::of) says it: one line.
    pub(crate) types: String,
    /// Why it cannot be kept, if that is so. It is not written down, and neither is the next.
    pub(crate) fault: Option<Fault>,
    /// Whether it stays until it is removed: panes of a window leave by themselves.
    pub(crate) lasts: bool,
}

/// Why an operator's state cannot be kept in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Values of its type are not read back as they are written.
    Type(String),
    /// The aggregate of this type has no name.
    Name(&'static str),
    /// An aggregate of this type does not say its parameters.
    Parameters(&'static str),
}

impl Fault {
    /// That the operator has it.
    pub(crate) fn of(&self, operator: &str) -> CheckpointError {
        let of = format!("operator `{operator}`");
        match self {
            Fault::Type(what) => CheckpointError::Unreadable { of, what: what.clone() },
            Fault::Name(aggregate) => CheckpointError::Incompatible {
                what: format!(
                    "{of}: the aggregate `{aggregate}` has no name, and a checkpoint knows what an aggregate keeps by its name: write \
                     `const NAME: &'static str = {:?};` in its `impl Aggregate`, and leave it as it is when the type is renamed. \
                     Checkpoints of earlier releases have that name, which was the type's",
                    short_name(aggregate)
                ),
            },
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
        Self::panes_of(schema::of::<T>(), span, slide)
    }

    /// The same of records whose schema is known.
    pub(crate) fn panes_of(schema: Schema, span: Option<Duration>, slide: Option<Duration>) -> Self {
        let Schema { text: types, fault } = schema;
        let (how, with) = (String::new(), Some(String::new()));
        let (fault, lasts) = (fault.map(Fault::Type), span.is_none());
        StateShape { kind: Kind::Panes, span, slide, how, with, types, fault, lasts }
    }

    /// The same, and keys that last longer.
    pub(crate) fn with_keys(self) -> Self {
        StateShape { kind: Kind::PanesAndKeys, lasts: true, ..self }
    }

    /// A state a key.
    pub(crate) fn keys<T: Record>() -> Self {
        StateShape { kind: Kind::Keys, ..StateShape::panes::<T>(None, None) }
    }

    /// Whether it stays until it is removed.
    pub(crate) fn lasting(self, lasts: bool) -> Self {
        StateShape { lasts, ..self }
    }

    /// The name of what it is made by, or the type of the aggregate that has none.
    pub(crate) fn by(mut self, name: Result<String, &'static str>) -> Self {
        match name {
            Ok(how) => self.how = how,
            Err(aggregate) => self.fault = self.fault.or(Some(Fault::Name(aggregate))),
        }
        self
    }

    /// The parameters of that, or the type that does not say them.
    pub(crate) fn with(mut self, parameters: Result<String, &'static str>) -> Self {
        match parameters {
            Ok(said) => self.with = Some(said),
            Err(name) => self.fault = self.fault.or(Some(Fault::Parameters(name))),
        }
        self
    }

    /// Whether this equals `written`, as far as that is known.
    pub(crate) fn is_as(&self, written: &StateShape) -> bool {
        let parts = |shape: &StateShape| (shape.kind, shape.span, shape.slide);
        parts(self) == parts(written)
            && self.is_made_as(written)
            && self.types == written.types
            && self.has_parameters_of(written)
    }

    /// Whether it is made by what was written, under its name or as earlier releases wrote it.
    pub(super) fn is_made_as(&self, written: &StateShape) -> bool {
        self.how == written.how || self.how == name_of_earlier(&written.how)
    }

    /// Whether the parameters are those that were written, if any were.
    pub(super) fn has_parameters_of(&self, written: &StateShape) -> bool {
        written.with.as_ref().is_none_or(|with| *with == self.parameters())
    }

    pub(super) fn parameters(&self) -> &str {
        self.with.as_deref().unwrap_or_default()
    }
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
            write!(f, " by {}", Escaped(&self.how))?;
        }
        if !self.parameters().is_empty() {
            write!(f, " with {}", Escaped(self.parameters()))?;
        }
        write!(f, " of {}", self.types)
    }
}

/// A line that describes no state.
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
    const NO_KIND: &str = "it begins with `panes`, `keys` or `panes and keys`";
    const NO_TYPES: &str = "` of ` and types are missing";
    let (kind, mut rest) =
        [("panes and keys", Kind::PanesAndKeys), ("panes", Kind::Panes), ("keys", Kind::Keys)]
            .into_iter()
            .find_map(|(name, kind)| Some((kind, text.strip_prefix(name)?)))
            .ok_or(NO_KIND)?;
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(NO_KIND);
    }
    let (how, types) = (String::new(), String::new());
    let mut shape =
        StateShape { kind, span: None, slide: None, how, with: None, types, fault: None, lasts: true };
    // Word by word, since a name and parameters may be any word, `of` too.
    loop {
        let (word, behind) = rest.strip_prefix(' ').and_then(|rest| rest.split_once(' ')).ok_or(NO_TYPES)?;
        if word == "of" {
            shape.types = behind.to_owned();
            return Ok(shape);
        }
        let value;
        (value, rest) = behind.split_at(behind.find(' ').unwrap_or(behind.len()));
        let duration = || read_duration(value).ok_or("that is no duration, such as `30s`");
        match word {
            "for" if shape.span.is_none() => shape.span = Some(duration()?),
            "every" if shape.slide.is_none() => shape.slide = Some(duration()?),
            "by" if shape.how.is_empty() && !value.is_empty() => shape.how = unescape(value),
            "with" if shape.with.is_none() => shape.with = Some(unescape(value)),
            _ => return Err("only `for`, `every`, `by` and `with` are known, each once"),
        }
    }
}

/// A name or parameters as one word.
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
