//! How long a side of a join keeps what it gets.

use std::time::Duration;

use crate::{
    operators::kernel::hash_join::retraction::Retraction, time::BatchTime, timeline::rhythm::Rhythm,
};

/// How long a side keeps what it gets.
pub(crate) enum Retention<V> {
    /// Until it is renewed.
    Batch,
    /// For a window; `None` for ever.
    Window(Option<Duration>),
    /// Until it is taken back.
    Table(Retraction<V>),
}

impl<V> Retention<V> {
    /// What a checkpoint calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Retention::Batch => "batch".to_owned(),
            Retention::Window(Some(size)) => in_tens(*size),
            Retention::Window(None) => "history".to_owned(),
            Retention::Table(_) => "kept".to_owned(),
        }
    }

    /// The size of a window, if it is one.
    pub(super) fn window(&self) -> Option<Option<Duration>> {
        match self {
            Retention::Window(size) => Some(*size),
            Retention::Batch | Retention::Table(_) => None,
        }
    }

    pub(super) fn is_window(&self) -> bool {
        self.window().is_some()
    }

    /// Whether a restored job makes what comes again: as changes, or as contents that stand.
    pub(super) fn comes_again(&self, rhythm: &Rhythm) -> bool {
        match self {
            Retention::Batch => rhythm.stands(),
            Retention::Window(_) => false,
            Retention::Table(_) => true,
        }
    }

    /// Whether what came then has left a side that is renewed now.
    pub(super) fn has_left(&self, came: BatchTime, now: BatchTime) -> bool {
        match self {
            Retention::Batch => true,
            Retention::Window(Some(size)) => came + *size <= now,
            Retention::Window(None) | Retention::Table(_) => false,
        }
    }
}

/// A duration on disk: `1.5s`, `250ms`.
fn in_tens(duration: Duration) -> String {
    const UNITS: [(&str, u128); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000), ("ns", 1)];
    let nanos = duration.as_nanos();
    let (unit, size) = UNITS.into_iter().find(|(_, size)| nanos >= *size).unwrap_or(("ns", 1));
    let rest = match nanos % size {
        0 => String::new(),
        // One more than the unit has, for the zeros in front.
        rest => format!(".{}", (size + rest).to_string()[1..].trim_end_matches('0')),
    };
    format!("{}{rest}{unit}", nanos / size)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::in_tens;

    #[test]
    fn durations_are_written_in_the_largest_unit_that_they_have() {
        let cases = [
            (0, "0ns"),
            (7, "7ns"),
            (1_500, "1.5µs"),
            (250_000_000, "250ms"),
            (1_000_001_000, "1.000001s"),
            (1_500_000_000, "1.5s"),
            (3_600_000_000_000, "3600s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(in_tens(Duration::from_nanos(nanos)), text);
            // As earlier releases wrote them, on a standard library that did so.
            assert_eq!(format!("{:?}", Duration::from_nanos(nanos)), text);
        }
    }
}
