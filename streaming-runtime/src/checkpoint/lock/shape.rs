//! What one operator keeps, as a line of text and back.

use std::{fmt, str::FromStr, time::Duration};

use crate::{record::Record, schema};

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
    /// As [`schema::of`](crate::schema::of) says it: one line.
    pub(crate) types: String,
}

impl StateShape {
    /// What batches took in, for `span` and cut into windows every `slide`: records of type `T`.
    pub(crate) fn panes<T: Record>(span: Option<Duration>, slide: Option<Duration>) -> Self {
        StateShape { kind: Kind::Panes, span, slide, how: String::new(), types: schema::of::<T>() }
    }

    /// As [`panes`](StateShape::panes), and keys that last longer.
    pub(crate) fn panes_and_keys<T: Record>(span: Option<Duration>, slide: Option<Duration>) -> Self {
        StateShape { kind: Kind::PanesAndKeys, ..StateShape::panes::<T>(span, slide) }
    }

    /// A state a key.
    pub(crate) fn keys<T: Record>() -> Self {
        StateShape { kind: Kind::Keys, ..StateShape::panes::<T>(None, None) }
    }

    /// What it is made by, in one word.
    pub(crate) fn by(self, how: String) -> Self {
        StateShape { how, ..self }
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
    let mut shape = StateShape { kind, span: None, slide: None, how: String::new(), types: types.to_owned() };
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
            _ => return Err("only `for`, `every` and `by` are known, each once"),
        }
    }
    Ok(shape)
}

fn is_word(how: &str) -> bool {
    !how.is_empty() && !how.contains(char::is_whitespace)
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
    use super::short_name;

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
