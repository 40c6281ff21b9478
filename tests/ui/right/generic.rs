//! Pipelines that whoever starts them chooses types for.

use streaming_runtime::{
    Checkpoint, Key, ManualClock, Record,
    connect::{collect, queue},
    prelude::*,
};

stream!(
    /// How often each event came, for ever.
    #[batch(secs(1))]
    fn counted<T: Key, events: Source<T>, counts: Sink<(T, i64)>>() {
        let totals = events
            .map(|event| (event, ()))
            .update_state(|_, count: Option<i64>, new: &[()]| Some(count.unwrap_or(0) + new.len() as i64));
        totals.allow_unbounded("one number an event").to(counts);
    }
);

stream!(
    /// Types in front of the ports and among them, a `where` clause, and a closure as a value.
    #[batch(secs(1))]
    fn kept<K, pairs: Source<(K, V)>, V, F, out: Sink<(K, V)>>(keep: F)
    where
        K: Key,
        V: Record,
        F: Fn(&V) -> bool + Clone + Send + 'static,
    {
        pairs.filter(move |(_, value)| keep(value)).to(out);
    }
);

/// Runs `counted` over a batch of events; what it says in the end.
async fn run<T: Key + Ord>(
    state: &std::path::Path,
    clock: &ManualClock,
    batches: Vec<Vec<T>>,
) -> Vec<(T, i64)> {
    let (counts, all) = collect();
    let count = batches.len();
    let engine = Engine::new().manual_clock(clock).checkpoint(Checkpoint::new(state));
    let mut job = engine
        .start(counted::Ports { events: queue(batches), counts })
        .expect("the checkpoint is of this pipeline");
    (0..count).for_each(|_| clock.advance(secs(1)));
    job.join().await.expect("it ends with its source");
    let mut last = all.batches().pop().map_or_else(Vec::new, |batch| batch.records);
    last.sort();
    last
}

#[tokio::test]
async fn a_generic_pipeline_is_started_with_types_of_its_ports() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = ManualClock::new();
    let words = directory.path().join("words");
    let text = |word: &str| word.to_owned();
    let first = run(&words, &clock, vec![vec![text("a"), text("b"), text("a")]]).await;
    assert_eq!(first, [(text("a"), 2), (text("b"), 1)]);
    // What was counted goes on after a restart: its operators have the same names whatever the types are.
    let both = vec![vec![text("a"), text("b"), text("a")], vec![text("b")]];
    assert_eq!(run(&words, &clock, both).await, [(text("a"), 2), (text("b"), 2)]);
    let numbers = run(&directory.path().join("numbers"), &clock, vec![vec![7_u64]]).await;
    assert_eq!(numbers, [(7, 1)]);
}

#[test]
fn what_is_known_of_a_generic_pipeline_does_not_depend_on_its_types() {
    assert!(counted::<(), (), ()>::PLAN.contains("source_events([\"events<br/>T\"])"));
    assert!(counted::<(), (), ()>::OPERATORS.contains(&"counted/totals/update_state"));
    assert_eq!(kept::<(), (), (), (), ()>::OPERATORS, ["kept/out/filter", "kept/out/to"]);
    let _ = |pairs: streaming_runtime::connect::ChannelSource<(u64, u8)>| {
        let out = streaming_runtime::connect::console();
        Engine::new().start(kept::Ports { pairs, out, keep: |value: &u8| *value > 1 })
    };
}
