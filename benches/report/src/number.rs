//! Numbers as a reader wants them.

/// Three digits that count.
pub fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 99.95 || v == 0.0 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.0995 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// A round number, of an axis.
pub fn round(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", (v / 1e4).round() / 100.0),
        v if v >= 1e4 => format!("{} k", (v / 10.0).round() / 100.0),
        v => format!("{}", (v * 1e6).round() / 1e6),
    }
}

/// A time in the unit that fits.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", short(s)),
        s if s >= 1e-3 => format!("{} ms", short(s * 1e3)),
        s if s >= 1e-6 => format!("{} us", short(s * 1e6)),
        s => format!("{} ns", short(s * 1e9)),
    }
}

/// With k, M: `12.3 M`.
pub fn amount(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", short(v / 1e6)),
        v if v >= 1e3 => format!("{} k", short(v / 1e3)),
        v => short(v),
    }
}

pub fn bytes(value: u64) -> String {
    format!("{} MB", short(value as f64 / 1e6))
}

/// The geometric mean, if there is anything.
pub fn mean(ratios: &[f64]) -> Option<f64> {
    let logs = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>();
    (!ratios.is_empty()).then(|| (logs / ratios.len() as f64).exp())
}

/// Whether a value is as wanted: `>= 2`, `<= 1.5`, `0.9 to 1.1`. None if that is said in another way.
pub fn is_met(value: f64, wanted: &str) -> Option<bool> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let Some(least) = wanted.strip_prefix(">=") {
        return Some(value >= number(least)?);
    }
    if let Some(most) = wanted.strip_prefix("<=") {
        return Some(value <= number(most)?);
    }
    let (from, to) = wanted.split_once(" to ")?;
    Some((number(from)?..=number(to)?).contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_is_understood() {
        assert_eq!(is_met(2.0, ">= 2"), Some(true));
        assert_eq!(is_met(1.9, ">= 2"), Some(false));
        assert_eq!(is_met(1.6, "<= 1.5"), Some(false));
        assert_eq!(is_met(1.0, "0.9 to 1.1"), Some(true));
        assert_eq!(is_met(1.2, "0.9 to 1.1"), Some(false));
        assert_eq!(is_met(1.0, ""), None);
        assert_eq!(is_met(1.0, "flat"), None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [short(123.4), short(12.34), short(1.234), short(0.1234)],
            ["123", "12.3", "1.23", "0.123"]
        );
        assert_eq!(time(0.001_5), "1.50 ms");
        assert_eq!(amount(18_950_000.0), "18.9 M");
    }
}
