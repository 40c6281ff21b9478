//! State by key: two streams out of one operator, and what is kept counted.

use streaming_runtime::{
    connect::{channel, console},
    prelude::*,
};

stream!(
    /// Visits that ended, those that are open, and how many; the latter as they change.
    #[batch(secs(1))]
    fn visits<
        clicks: Source<(u64, String)>,
        ended: Sink<(u64, u32)>,
        open: Sink<i64>,
        changes: Sink<((u64, u32), i64)>,
    >() {
        let (visits, states) =
            clicks.map_with_state(idle_for(minutes(30)), |user, page, n: &mut KeyState<u32>| {
                let clicks = n.get().copied().unwrap_or(0);
                if page.is_none() {
                    return Some((*user, clicks));
                }
                n.update(clicks + 1);
                None
            });
        visits.filter(|(_, clicks)| *clicks > 1).to(ended);
        states.count().to(open);
        states.changes().to(changes);
    }
);

stream!(
    /// Only one of the two streams is wanted.
    #[batch(secs(1))]
    fn firsts<words: Source<String>, out: Sink<String>>() {
        let (new, _) = words.map(|word| (word, ())).map_with_state(unbounded("words"), |word, _, seen| {
            let first = seen.get().is_none();
            seen.update(());
            first.then(|| word.clone())
        });
        new.to(out);
    }
);

#[test]
fn state_is_one_call() {
    let _ = || {
        let ports =
            visits::Ports { clicks: channel(8).1, ended: console(), open: console(), changes: console() };
        let engine = Engine::new();
        drop([engine.start(ports), engine.start(firsts::Ports { words: channel(8).1, out: console() })]);
    };
    assert!(visits::OPERATORS.contains(&"visits/visits+states/map_with_state"), "{:?}", visits::OPERATORS);
}
