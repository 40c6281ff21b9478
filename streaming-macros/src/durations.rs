//! Durations that are written out: `secs(30)`. Only these can be checked before the program runs.

use syn::{BinOp, Expr, Lit, UnOp};

use crate::tokens::text;

/// The functions of the prelude that make durations, with their length in milliseconds, longest first.
const UNITS: [(&str, u64); 4] = [("hours", 3_600_000), ("minutes", 60_000), ("secs", 1_000), ("millis", 1)];

/// A duration literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// The whole length.
    pub millis: u64,
    /// The unit in which the author thinks, in milliseconds.
    unit: u64,
}

impl Length {
    /// Reads `secs(30)` and its like; `None` for everything that only the running program knows.
    pub fn read(expr: &Expr) -> Option<Self> {
        let Expr::Call(call) = expr else { return None };
        let Expr::Path(function) = &*call.func else { return None };
        let name = function.path.segments.last()?.ident.to_string();
        let (_, unit) = UNITS.into_iter().find(|(known, _)| *known == name)?;
        let (Some(Expr::Lit(literal)), 1) = (call.args.first(), call.args.len()) else { return None };
        let Lit::Int(count) = &literal.lit else { return None };
        let millis = count.base10_parse::<u64>().ok()?.checked_mul(unit)?;
        Some(Length { millis, unit })
    }

    /// `millis` as source text, in the author's unit where that is possible.
    pub fn spell_like(self, millis: u64) -> String {
        let unit = if millis.is_multiple_of(self.unit) { self.unit } else { largest_unit(millis) };
        spell_in(millis, unit)
    }
}

/// What a duration with a fraction, `secs(0.5)`, is in milliseconds, and how that is written.
pub fn fraction(expr: &Expr) -> Option<(u64, String)> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let name = function.path.segments.last()?.ident.to_string();
    let (_, unit) = UNITS.into_iter().find(|(known, _)| *known == name)?;
    let (Some(Expr::Lit(literal)), 1) = (call.args.first(), call.args.len()) else { return None };
    let Lit::Float(count) = &literal.lit else { return None };
    let millis = millis_of(count.base10_parse::<f64>().ok()?, unit);
    Some((millis, spell(millis)))
}

/// Units in other words, with their length in milliseconds.
const OTHERS: [(&str, u64); 32] = [
    ("w", 604_800_000),
    ("week", 604_800_000),
    ("weeks", 604_800_000),
    ("d", 86_400_000),
    ("day", 86_400_000),
    ("days", 86_400_000),
    ("Days", 86_400_000),
    ("h", 3_600_000),
    ("hour", 3_600_000),
    ("hours", 3_600_000),
    ("Hours", 3_600_000),
    ("from_hours", 3_600_000),
    ("m", 60_000),
    ("min", 60_000),
    ("mins", 60_000),
    ("minute", 60_000),
    ("minutes", 60_000),
    ("Minutes", 60_000),
    ("from_mins", 60_000),
    ("s", 1000),
    ("sec", 1000),
    ("secs", 1000),
    ("second", 1000),
    ("seconds", 1000),
    ("Seconds", 1000),
    ("from_secs", 1000),
    ("ms", 1),
    ("milli", 1),
    ("millis", 1),
    ("milliseconds", 1),
    ("Milliseconds", 1),
    ("from_millis", 1),
];

/// The length of a unit that is called so, here or elsewhere.
fn unit(name: &str) -> Option<u64> {
    OTHERS.into_iter().find(|(other, _)| *other == name).map(|(_, unit)| unit)
}

/// So many of a unit, as it is written here.
fn spell_of(count: u64, unit: u64) -> String {
    match UNITS.iter().any(|(_, known)| *known == unit) {
        true => spell_in(count.saturating_mul(unit), unit),
        false => spell_in(count.saturating_mul(unit), 3_600_000),
    }
}

/// How a duration is written in the prelude's functions, if it is one in other words: `seconds(1)`, `Duration::from_secs(1)`,
/// `"1 second"`, `1.secs()`, and what is computed of these.
pub fn meant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => of_text(&text.value()),
            _ => None,
        },
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return None };
            let unit = unit(&function.path.segments.last()?.ident.to_string())?;
            let (Some(Expr::Lit(literal)), 1) = (call.args.first(), call.args.len()) else { return None };
            match &literal.lit {
                Lit::Int(count) => Some(spell_of(count.base10_parse().ok()?, unit)),
                Lit::Str(count) => Some(spell_of(count.value().trim().parse().ok()?, unit)),
                _ => None,
            }
        }
        Expr::MethodCall(call) => {
            let Expr::Lit(literal) = &*call.receiver else { return None };
            let Lit::Int(count) = &literal.lit else { return None };
            Some(spell_of(count.base10_parse().ok()?, unit(&call.method.to_string())?))
        }
        Expr::Binary(_) => computed(expr).filter(|millis| *millis > 0).map(spell),
        _ => None,
    }
}

/// What is written in a configuration file: `10 seconds`, `10s`, `PT` aside.
pub fn of_text(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, name) = text.split_at(digits);
    Some(spell_of(count.parse().ok()?, unit(name.trim())?))
}

/// The length in milliseconds of durations that are added, multiplied or divided.
fn computed(expr: &Expr) -> Option<u64> {
    let number = |expr: &Expr| match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse::<u64>().ok(),
            _ => None,
        },
        _ => None,
    };
    match expr {
        Expr::Paren(paren) => computed(&paren.expr),
        Expr::Binary(pair) => match pair.op {
            BinOp::Add(_) => computed(&pair.left)?.checked_add(computed(&pair.right)?),
            BinOp::Sub(_) => computed(&pair.left)?.checked_sub(computed(&pair.right)?),
            BinOp::Mul(_) => match number(&pair.left) {
                Some(times) => computed(&pair.right)?.checked_mul(times),
                None => computed(&pair.left)?.checked_mul(number(&pair.right)?),
            },
            BinOp::Div(_) => computed(&pair.left)?.checked_div(number(&pair.right)?),
            _ => None,
        },
        expr => Length::read(expr).map(|length| length.millis),
    }
}

/// Whether a length of time stands there, in whatever words.
pub fn is_length(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return meant(expr).is_some() };
    let Expr::Path(function) = &*call.func else { return false };
    function.path.segments.last().is_some_and(|last| unit(&last.ident.to_string()).is_some())
}

/// What to write for an argument that is no length of time, whatever the names in scope mean, if one is meant.
pub fn no_length(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => Some(format!("secs({})", number.base10_digits())),
            Lit::Str(_) => Some(meant(expr).unwrap_or_else(|| "secs(10)".to_owned())),
            Lit::Float(number) => Some(spell(millis_of(number.base10_parse::<f64>().ok()?, 1000))),
            _ => None,
        },
        // Spark's are types; here no type is a length.
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return None };
            let name = function.path.segments.last()?.ident.to_string();
            let of_a_type =
                function.path.segments.iter().nth_back(1).is_some_and(|of| of.ident == "Duration");
            if let (true, true, Some(Expr::Lit(count)), 1) =
                (of_a_type, name == "new", call.args.first(), call.args.len())
            {
                return no_length(&Expr::Lit(count.clone()));
            }
            let is_no_unit = name.starts_with(char::is_uppercase) || of_a_type && !name.starts_with("from_");
            is_no_unit.then(|| meant(expr))?
        }
        // No time is less than none.
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) && is_length(&unary.expr) => {
            Some(meant(&unary.expr).unwrap_or_else(|| text(&unary.expr)))
        }
        // To a length only a length is added.
        Expr::Binary(pair) if matches!(pair.op, BinOp::Add(_) | BinOp::Sub(_)) && is_length(&pair.left) => {
            let Expr::Lit(_) = &*pair.right else { return None };
            let right = no_length(&pair.right)?;
            let op = if matches!(pair.op, BinOp::Add(_)) { "+" } else { "-" };
            Some(format!("{} {op} {right}", meant(&pair.left).unwrap_or_else(|| text(&pair.left))))
        }
        _ => None,
    }
}

/// A number in the `()` of a unit that is none: with a fraction, or as a text.
pub fn no_number(expr: &Expr) -> Option<String> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let name = function.path.segments.last()?.ident.to_string();
    let is_unit = UNITS.into_iter().any(|(known, _)| known == name);
    let (Some(Expr::Lit(literal)), 1, true) = (call.args.first(), call.args.len(), is_unit) else {
        return None;
    };
    match &literal.lit {
        Lit::Float(_) => fraction(expr)
            .map(|(_, right)| format!("durations are whole numbers of their unit: write `{right}`")),
        Lit::Str(count) => {
            let right =
                meant(expr).or_else(|| of_text(&count.value())).unwrap_or_else(|| format!("{name}(10)"));
            Some(format!(
                "`{name}` takes a whole number, a `u64`, and makes a duration of it: write `{right}`"
            ))
        }
        _ => None,
    }
}

fn millis_of(count: f64, unit: u64) -> u64 {
    let millis = (count * unit as f64).round();
    if millis >= 1.0 && millis < u64::MAX as f64 { millis as u64 } else { 1 }
}

/// The longest length that both are multiples of.
pub fn common(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// `millis` as source text, in the largest unit that needs no fraction.
pub fn spell(millis: u64) -> String {
    spell_in(millis, largest_unit(millis))
}

fn largest_unit(millis: u64) -> u64 {
    // Hours are left out: `minutes(120)` reads as well, and `secs(3600)` is rarely meant as `hours(1)`.
    UNITS[1..].iter().map(|(_, unit)| *unit).find(|unit| millis.is_multiple_of(*unit)).unwrap_or(1)
}

fn spell_in(millis: u64, unit: u64) -> String {
    let name = UNITS.iter().find(|(_, known)| *known == unit).map_or("millis", |(name, _)| name);
    format!("{name}({})", millis / unit)
}
