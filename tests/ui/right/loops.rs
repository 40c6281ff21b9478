//! A loop in a loop.

use streaming_runtime::{
    connect::{channel, console},
    prelude::*,
};

stream!(
    /// Pairs of stations that tickets lead between: each line is ridden as far as it goes, then changes are made.
    #[batch(secs(1))]
    fn journeys<rails: Source<(u32, u32)>, changes: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let rails = rails.history().allow_unbounded("the network is the state");
        let changes = changes.window(hours(1), secs(1));
        let starts = rails.map(|(from, _)| (from, from)).distinct();
        let reached = starts.iterate(|journeys| {
            let ridden = journeys.iterate(|at| {
                let next = at.join(rails).map(|(_, (start, to))| (to, start));
                next.union(journeys).distinct()
            });
            let changed = ridden.join(changes).map(|(_, (start, to))| (to, start));
            changed.union(ridden).distinct()
        });
        reached.map(|(to, start)| (start, to)).to(out);
    }
);

#[test]
fn loops_are_nested() {
    let _ = || {
        let ports = journeys::Ports { rails: channel(8).1, changes: channel(8).1, out: console() };
        drop(Engine::new().start(ports));
    };
    let inner = "journeys/reached/loop/ridden/loop/next/join";
    assert!(journeys::OPERATORS.contains(&inner), "{:?}", journeys::OPERATORS);
}
