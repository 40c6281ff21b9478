//! Functions and operators of one's own on windows and on what is kept.

use streaming_runtime::{
    Key, Record,
    aggregate::{mean, sum},
    connect::{channel, console},
    kinds::{StreamKind, Table, Windowed},
    prelude::*,
};

type Reading = (u16, f64);

/// A helper from windows to what is kept.
fn means<'s>(readings: Stream<'s, Reading, Windowed>) -> Stream<'s, Reading, Table> {
    readings.filter(|(_, value)| value.is_finite()).aggregate_by_key(mean())
}

/// A helper that makes the window.
fn recent<'s, T: Record>(records: Stream<'s, T>) -> Stream<'s, T, Windowed> {
    records.window(secs(10), secs(1))
}

/// Operators of one's own on windows.
trait Shares<'s, K: 'static> {
    /// What part of all amounts is each key's.
    fn shares(self) -> Stream<'s, (K, f64)>;
}

impl<'s, K: Key> Shares<'s, K> for Stream<'s, (K, u32), Windowed> {
    fn shares(self) -> Stream<'s, (K, f64)> {
        let amounts = self.aggregate_by_key(sum().of(|n: &u32| u64::from(*n))).snapshot();
        let shares = amounts.transform(|_, amounts| {
            let all: u64 = amounts.iter().map(|(_, amount)| amount).sum();
            amounts.into_iter().map(move |(key, amount)| (key, amount as f64 / all as f64))
        });
        shares.share()
    }
}

/// One that works on any stream, whatever it holds.
trait Positive<'s, K: 'static, P: StreamKind> {
    /// Those that are more than nothing.
    fn positive(self) -> Stream<'s, (K, u32), P>;
}

impl<'s, K: Record, P: StreamKind> Positive<'s, K, P> for Stream<'s, (K, u32), P> {
    fn positive(self) -> Stream<'s, (K, u32), P> {
        self.filter(|(_, n)| *n > 0).share()
    }
}

stream!(
    #[batch(secs(1))]
    fn helped<
        readings: Source<Reading>,
        votes: Source<(String, u32)>,
        out: Sink<Reading>,
        parts: Sink<(String, f64)>,
    >() {
        let usual = means(readings.window(minutes(1), secs(1)));
        usual.filter(|(_, mean)| *mean > 30.0).to(out);
        recent(votes.positive()).positive().shares().to(parts);
    }
);

#[test]
fn windows_go_through_functions() {
    let _ = || {
        let ports =
            helped::Ports { readings: channel(8).1, votes: channel(8).1, out: console(), parts: console() };
        drop(Engine::new().start(ports));
    };
    assert!(helped::OPERATORS.contains(&"helped/parts/shares"), "{:?}", helped::OPERATORS);
}
