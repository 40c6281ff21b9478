//! The six programs by which the language was designed, as they stand there.

use streaming_runtime::{
    connect::{channel, console},
    prelude::*,
};

stream!(
    /// Words of each batch.
    #[batch(secs(1))]
    pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

stream!(
    /// Words of the last 30 s, every 10 s.
    #[batch(secs(5))]
    pub fn trending<words: Source<String>, counts: Sink<(String, i64)>>() {
        let recent = words.map(|word| (word, 1)).window(secs(30), secs(10));
        recent.reduce_by_key(|a, b| a + b).to(counts);
    }
);

stream!(
    /// Clicks within a minute of their impression.
    #[batch(secs(5))]
    pub fn attribution<
        shown: Source<(u64, u32)>,
        clicked: Source<(u64, i64)>,
        matched: Sink<(u64, (u32, i64))>,
    >() {
        let shown = shown.window(secs(60), secs(5));
        let clicked = clicked.window(secs(30), secs(5));
        shown.join(clicked).to(matched);
    }
);

stream!(
    /// Running totals; a word unseen for a day is forgotten.
    #[batch(secs(1))]
    pub fn running<words: Source<(String, i64)>, totals: Sink<(String, i64)>>() {
        words
            .update_state(|_word, total: Option<i64>, new: &[i64]| {
                Some(total.unwrap_or(0) + new.iter().sum::<i64>())
            })
            .expire_after(hours(24))
            .to(totals);
    }
);

stream!(
    /// One prefix, two outputs, a split and a union.
    #[batch(secs(1))]
    pub fn orders<
        web: Source<(u64, i64)>,
        shop: Source<(u64, i64)>,
        totals: Sink<(u64, i64)>,
        review: Sink<(u64, i64)>,
    >(
        limit: i64,
    ) {
        let all = web.union(shop).filter(|&(_, amount)| amount != 0);
        let (large, small) = all.split(move |&(_, amount)| amount.abs() > limit);
        let refunds = small.filter(|&(_, amount)| amount < 0);
        all.reduce_by_key(|a, b| a + b).to(totals);
        large.union(refunds).to(review);
    }
);

stream!(
    /// Every vertex takes the smallest label that it can reach.
    #[batch(secs(1))]
    pub fn components<edges: Source<(u32, u32)>, labels: Sink<(u32, u32)>>() {
        let graph = edges.history().allow_unbounded("the graph is the state");
        let links = graph.flat_map(|(a, b)| [(a, b), (b, a)]);
        let own = links.map(|(a, _)| (a, a)).distinct();
        let reached = own.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(own).reduce_by_key(u32::min)
        });
        reached.to(labels);
    }
);

#[test]
fn the_design_holds() {
    let _ = || {
        let (lines, words, pairs) = (channel::<String>(8).1, channel::<String>(8).1, channel(8).1);
        let ((shown, clicked), (web, shop), edges) =
            ((channel(8).1, channel(8).1), (channel(8).1, channel(8).1), channel(8).1);
        let engine = Engine::new();
        let started = [
            engine.start(word_count::Ports { lines, counts: console() }),
            engine.start(trending::Ports { words, counts: console() }),
            engine.start(attribution::Ports { shown, clicked, matched: console() }),
            engine.start(running::Ports { words: pairs, totals: console() }),
            engine.start(orders::Ports { web, shop, totals: console(), review: console(), limit: 500 }),
            engine.start(components::Ports { edges, labels: console() }),
        ];
        drop(started);
    };
    assert_eq!(
        components::OPERATORS.last().copied(),
        Some("components/labels/to"),
        "{:?}",
        components::OPERATORS
    );
    assert!(
        components::OPERATORS.contains(&"components/reached/loop/offered/join"),
        "{:?}",
        components::OPERATORS
    );
}
