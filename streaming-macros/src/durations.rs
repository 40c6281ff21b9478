//! Durations that are written out: `secs(30)`. Only these can be checked before the program runs.

use syn::{Expr, Lit};

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
    let millis = (count.base10_parse::<f64>().ok()? * unit as f64).round();
    let millis = if millis >= 1.0 && millis < u64::MAX as f64 { millis as u64 } else { 1 };
    Some((millis, spell(millis)))
}

/// How a duration is written in the prelude's functions, if it is one in other words: `seconds(1)`, `Duration::from_secs(1)`.
pub fn meant(expr: &Expr) -> Option<String> {
    const OTHERS: [(&str, &str); 19] = [
        ("h", "hours"),
        ("hour", "hours"),
        ("from_hours", "hours"),
        ("min", "minutes"),
        ("mins", "minutes"),
        ("minute", "minutes"),
        ("from_mins", "minutes"),
        ("s", "secs"),
        ("sec", "secs"),
        ("second", "secs"),
        ("seconds", "secs"),
        ("Seconds", "secs"),
        ("from_secs", "secs"),
        ("ms", "millis"),
        ("milli", "millis"),
        ("milliseconds", "millis"),
        ("Milliseconds", "millis"),
        ("from_millis", "millis"),
        ("Minutes", "minutes"),
    ];
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let name = function.path.segments.last()?.ident.to_string();
    let (_, unit) = OTHERS.into_iter().find(|(other, _)| *other == name)?;
    let (Some(Expr::Lit(literal)), 1) = (call.args.first(), call.args.len()) else { return None };
    let Lit::Int(count) = &literal.lit else { return None };
    Some(format!("{unit}({})", count.base10_digits()))
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
